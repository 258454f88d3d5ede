"""Which lab an error points to. Imported only when something has gone wrong in student mode."""

from __future__ import annotations

import os

from mini_docker import swap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def prepare() -> None:
    """Read what explain() will ask for: in a container the files are not there any more."""
    swap.states()


def explain(error: BaseException) -> str | None:
    """Say in one line which lab, task, file and line *error* points to; None if to no lab.

    An engine's error that follows from what a student's function returned does not
    pass through the student's file: then the line names what has not passed as it is.
    """
    states = swap.states()
    files = {swap.copy(it): it for it, state in states.items() if state in ("trying", "yours")}
    if found := _last(error, list(files)):
        return _tell(*found, files[found[1]])
    trying = [topic for topic, state in states.items() if state == "trying"]
    if not trying:
        return None
    number = swap.topics()[trying[0]]["number"]
    names = ", ".join(trying)
    return f"{_one_line(error)}; {names} has not passed as it is now; run: lab check {number}"


def blame(error: BaseException, file: str) -> tuple[int, str] | None:
    """Return the line of *file*, and the function, where *error* last passed; None if it did not.

    The function is "function" or "Class.method", or "" where no function was running.
    """
    found = _last(error, [file])
    return found[2:] if found else None


def _tell(error: BaseException, file: str, line: int, function: str, topic: str) -> str:
    number = swap.topics()[topic]["number"]
    where = f"lab {number}{_task(topic, function)}: {file.removeprefix(swap.REPO + '/')}:{line}"
    run = f"run: lab check {number}"
    if isinstance(error, NotImplementedError) and str(error).startswith("lab "):
        return f"{where}: not written yet; {run}, or `lab borrow {topic}`"
    return f"{where}: {_one_line(error)}; {run}"


def _last(error: BaseException, files: Sequence[str]) -> tuple[BaseException, str, int, str] | None:
    """Return the error, file, line and function where *error* last passed through one of *files*.

    If it did not, what it follows from may have.
    """
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if found := _last_step(cause, files):
            return error, *found
        cause = cause.__cause__ or cause.__context__
    return None


def _last_step(error: BaseException, files: Sequence[str]) -> tuple[str, int, str] | None:
    if isinstance(error, SyntaxError) and (file := _among(files, error.filename or "")):
        line = error.lineno or 1
        return file, line, _function_above(file, line)
    found = None
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if file := _among(files, code.co_filename):
            name = code.co_qualname.partition(".<locals>")[0]
            found = file, step.tb_lineno, "" if name == "<module>" else name
        step = step.tb_next
    return found


def _among(files: Sequence[str], name: str) -> str:
    """Return which of *files* is the file *name*, or ""."""
    real = os.path.realpath(name)
    return next((it for it in files if os.path.realpath(it) == real), "")


def _one_line(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return " ".join(f"{type(error).__name__}: {text}".split())


def _task(topic: str, function: str) -> str:
    names = [task["name"] for task in swap.topics()[topic]["tasks"]]
    if function in names:
        return f", task {names.index(function) + 1} ({function})"
    return f" ({function})" if function else ""


def _function_above(file: str, line: int) -> str:
    """Return the name of the last top-level function that begins at or above *line*."""
    with open(file, encoding="utf-8", errors="replace") as content:
        for text in reversed(content.readlines()[:line]):
            if text.startswith("def "):
                return text[4:].partition("(")[0].strip()
    return ""
