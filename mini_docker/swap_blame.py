"""Which lab an error points to. Imported only when something has gone wrong in student mode."""

from __future__ import annotations

import os

from mini_docker import swap


def prepare() -> None:
    """Read what explain() will ask for: in a container the files are not there any more."""
    swap.states()


def explain(error: BaseException) -> str | None:
    """Say in one line which lab, task, file and line *error* points to; None if to no lab.

    An engine's error that follows from what a student's function returned does not
    pass through the student's file: then the line names what has not passed as it is.
    """
    what = _one_line(error)
    states = swap.states()
    for topic in [topic for topic, state in states.items() if state in ("trying", "yours")]:
        if found := blame(error, swap.copy(topic)):
            line, function = found
            number = swap.topics()[topic]["number"]
            where = f"{swap.copy(topic).removeprefix(swap.REPO + '/')}:{line}"
            task = _task(topic, function)
            return f"lab {number}{task}: {where}: {what}; run: lab check {number}"
    trying = [topic for topic, state in states.items() if state == "trying"]
    if not trying:
        return None
    number = swap.topics()[trying[0]]["number"]
    return f"{what}; {', '.join(trying)} has not passed as it is now; run: lab check {number}"


def blame(error: BaseException, file: str) -> tuple[int, str] | None:
    """Return the line of *file*, and the function, where *error* last passed; None if it did not.

    The function is "function" or "Class.method", or "" where no function was running.
    """
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if found := _last_step(cause, file):
            return found
        cause = cause.__cause__ or cause.__context__
    return None


def _last_step(error: BaseException, file: str) -> tuple[int, str] | None:
    if isinstance(error, SyntaxError) and error.filename and _same(error.filename, file):
        line = error.lineno or 1
        return line, _function_above(file, line)
    found = None
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if _same(code.co_filename, file):
            name = code.co_qualname.partition(".<locals>")[0]
            found = step.tb_lineno, "" if name == "<module>" else name
        step = step.tb_next
    return found


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


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
