"""Which lab an error points to. Imported only when something has gone wrong in student mode."""

from __future__ import annotations

import os

from mini_docker import swap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def prepare() -> None:
    """Read what explain() will ask for: in a container the files are not there any more."""
    swap.states()


def explain(error: BaseException) -> str | None:
    """Say in one line which lab, task, file and line *error* points to; None if to no lab.

    An engine's error that follows from what a student's function returned does not
    pass through the student's file: then the line names what has not passed as it is.
    Nor is a student's function to blame for the engine's code that it calls back, as
    spawn() calls the child that it is given.
    """
    states = swap.states()
    files = {swap.copy(it): it for it, state in states.items() if state in ("trying", "yours")}
    if said := _missing(error, files):
        return said
    if found := _last(error, list(files), callbacks=False):
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


def _missing(error: BaseException, files: dict[str, str]) -> str | None:
    """Say which of *files*, by path their topics, lacks the task that somebody looked up in it."""
    for it in _causes(error):
        package, _, topic = getattr(getattr(it, "obj", None), "__name__", "").rpartition(".")
        if not isinstance(it, AttributeError) or package != "mini_docker":
            continue
        file = next((file for file, its in files.items() if its == topic), None)
        if file and (task := _task(topic, it.name or "")).startswith(","):
            number = swap.topics()[topic]["number"]
            short = file.removeprefix(swap.REPO + "/")
            return f"lab {number}{task}: {short} has no {it.name}; run: lab check {number}"
    return None


def _tell(error: BaseException, file: str, line: int, function: str, topic: str) -> str:
    number = swap.topics()[topic]["number"]
    where = f"lab {number}{_task(topic, function)}: {file.removeprefix(swap.REPO + '/')}:{line}"
    run = f"run: lab check {number}"
    if isinstance(error, NotImplementedError) and str(error).startswith("lab "):
        return f"{where}: not written yet; {run}, or `lab borrow {topic}`"
    return f"{where}: {_one_line(error)}; {run}"


def _last(
    error: BaseException, files: Sequence[str], callbacks: bool = True
) -> tuple[BaseException, str, int, str] | None:
    """Return the error, file, line and function where *error* last passed through one of *files*.

    If it did not, what it follows from may have. Without *callbacks* a step counts only if
    it did not call back into the engine.
    """
    for cause in _causes(error):
        if found := _last_step(cause, files, callbacks):
            return error, *found
    return None


def _causes(error: BaseException) -> list[BaseException]:
    """Return *error*, what it follows from, and so on."""
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in found:
        found.append(cause)
        cause = cause.__cause__ or cause.__context__
    return found


def _last_step(
    error: BaseException, files: Sequence[str], callbacks: bool
) -> tuple[str, int, str] | None:
    if isinstance(error, SyntaxError) and (file := _among(files, error.filename or "")):
        line = error.lineno or 1
        return file, line, _function_above(file, line)
    found, helpers = None, set[str]()
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if file := _among(files, code.co_filename):
            name = code.co_qualname.partition(".<locals>")[0]
            found = file, step.tb_lineno, "" if name == "<module>" else name
            helpers = _imported(step.tb_frame.f_globals)
        elif not callbacks and found and _engine(step.tb_frame.f_globals) - helpers:
            found = None
        step = step.tb_next
    return found


def _engine(space: dict[str, Any]) -> set[str]:
    """Return the name of the engine's module whose globals are *space*, if it is one.

    syscalls_foreign is the inside of syscalls.
    """
    name = str(space.get("__name__")).removesuffix("_foreign")
    return {name} if name.startswith("mini_docker.") else set()


def _imported(space: dict[str, Any]) -> set[str]:
    """Return the modules that the globals *space* have something of: what fails there is help.

    A wrong argument to syscalls.mount() is the fault of whoever called it.
    """
    names = {it.__name__ for it in space.values() if isinstance(it, type(os))}
    functions = [it for it in space.values() if isinstance(it, type(_engine) | type)]
    return names | {it.__module__ for it in functions}


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
