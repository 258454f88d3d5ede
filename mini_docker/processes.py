"""Processes: how one is started, how it ends, and who cleans up after it.

A container is a process before it is anything else. Four calls make its life:

    fork      one process becomes two
    exec      the new one becomes another program; its pid stays
    wait      its parent learns how it ended, and the kernel forgets it
    kill      anyone allowed to may send it a signal

Three duties follow for an engine. It tells "the program could not be started"
from "the program ended with an error". It turns a wait status into the exit code
that shells and Docker use. And it gives the container a process 1 that passes
signals on and reaps what its children leave behind.

Chapter: chapters/01-processes.md
Lab:     labs/01_processes/
"""

from __future__ import annotations

import _signal as signal  # the same functions as signal's, without the cost of its enums
import os

from mini_docker.errors import (
    CommandNotExecutable,
    CommandNotFound,
    MiniDockerError,
    ProcessError,
    reason,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
REPORT_LIMIT = 65536  # bytes; a report is one line, and what a child writes is bounded

# What process 1 does not pass on: faults and SIGKILL, SIGSTOP cannot be waited for,
# SIGCHLD is its own, and a terminal's SIGTTIN and SIGTTOU mean the process they reach.
KEPT = frozenset(
    (
        *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP),
        *(signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGURG),
        *(signal.SIGTTIN, signal.SIGTTOU, signal.SIGABRT, signal.SIGSYS),
    )
)
FORWARDED = frozenset(signal.valid_signals()) - KEPT


def execute(argv: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the program *argv*[0], with arguments *argv* and *environment*. Never return.

    A name with a "/" is a path. Any other is looked for in the directories of the
    environment's PATH (DEFAULT_PATH if it has none), in their order; the first that
    can be executed wins.

    Raises CommandNotFound if no such file exists, and CommandNotExecutable if one
    exists and the kernel refuses it: no permission, a directory, not a program.
    execve(2), environ(7).
    """
    name = argv[0]
    path = environment.get("PATH", DEFAULT_PATH)
    places = [name] if "/" in name else [f"{d or '.'}/{name}" for d in path.split(":")]
    refusal: OSError | None = None
    for place in places:
        try:
            os.execve(place, argv, environment)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            refusal = refusal or error
    if refusal:
        raise CommandNotExecutable(f'exec: "{name}": {reason(refusal).lower()}')
    where = "no such file or directory" if "/" in name else "executable file not found in $PATH"
    raise CommandNotFound(f'exec: "{name}": {where}')


def spawn(child: Callable[[int], int], fork: Callable[[], int] = os.fork) -> int:
    """Start *child* in a new process made by *fork*, and return its pid once it runs.

    Parent and child share a pipe that closes on exec. The child calls
    *child*(report), where report is the writing end, and exits with the number
    this returns. While it gets ready, the parent reads. An end of file means that
    all is well: the child became another program, or closed *report* to say so.
    Text means that it failed: fail() wrote it, and failure() reads it.

    Raises what the child raised, after waiting for it: no process is left behind.
    pipe(2), fork(2), O_CLOEXEC in open(2).
    """
    reader, report = os.pipe()  # both close on exec: PEP 446
    pid = fork()
    if pid == 0:
        try:
            os.close(reader)
            os._exit(child(report))
        except BaseException as error:
            fail(error, report)
    os.close(report)
    with open(reader, "rb") as pipe:
        text = pipe.read(REPORT_LIMIT)
    if text:
        os.waitpid(pid, 0)
        raise failure(text)
    return pid


def wait(pid: int) -> int:
    """Wait until child *pid* ends and return its exit code, as a shell counts.

    A program that exits gives its own code, 0 to 255. One that a signal killed gives
    128 plus the signal's number: 137 is SIGKILL, 143 is SIGTERM.

    Raises ProcessError if *pid* is not a child of the caller. waitpid(2).
    """
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError as error:
        raise ProcessError(f"cannot wait for process {pid}: it is not our child") from error
    return decode(status)


def init(main: int) -> int:
    """Be process 1 for child *main*: forward signals to it, reap everything, return its code.

    The signals in FORWARDED and SIGCHLD are blocked when this is called (see block),
    so each one waits its turn and sigwait takes them one by one. SIGCHLD: reap every
    child that has ended; one SIGCHLD may stand for several. When *main* is among
    them, its exit code is the answer. Any other signal: send it to *main*.

    Orphans end here too: the kernel makes process 1 the parent of every process whose
    own parent has died. Without a wait each stays a zombie. sigwait(3), waitpid(2).
    """
    while True:
        number = signal.sigwait([signal.SIGCHLD, *FORWARDED])
        if number != signal.SIGCHLD:
            send(main, number)
            continue
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError as error:
                raise ProcessError(f"process {main} ended and was not ours to reap") from error
            if pid == main:
                return decode(status)
            if pid == 0:  # others live on
                break


def decode(status: int) -> int:
    """Return the exit code that a wait status stands for: 0 to 255, or 128 + signal.

    >>> decode(3 << 8), decode(9)
    (3, 137)
    """
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def send(pid: int, number: int) -> None:
    """Send signal *number* to *pid*; a process that is already gone needs none. kill(2)."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except OSError as error:
        raise ProcessError(f"cannot send signal {number} to {pid}: {reason(error)}") from error


def block() -> None:
    """Block what init waits for, so that no signal is lost between fork and sigwait.

    A blocked signal is kept by the kernel until somebody takes it. pthread_sigmask(3).
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, *FORWARDED])


def unblock() -> None:
    """Give a child that is about to exec what programs expect: nothing blocked or ignored.

    A blocked mask and ignored signals survive an exec (signal(7)), and Python itself
    ignores SIGPIPE and SIGXFSZ.
    """
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def fail(error: BaseException, report: int) -> NoReturn:
    """End this child because of *error*, telling its parent through *report*."""
    code = error.exit_code if isinstance(error, MiniDockerError) else 125
    text = f"{code} {_describe(error)}".replace("\n", " ")
    try:
        os.write(report, os.fsencode(text)[:REPORT_LIMIT])
    finally:
        os._exit(code)


def failure(report: bytes) -> MiniDockerError:
    """Return the error that a child's *report* describes: the exit code, a blank, the message."""
    code, _, message = os.fsdecode(report).partition(" ")
    kinds = {"126": CommandNotExecutable, "127": CommandNotFound}
    return kinds.get(code, ProcessError)(message)


def _describe(error: BaseException) -> str:
    if isinstance(error, MiniDockerError):
        return str(error)
    from mini_docker import swap  # only a mistake leads here: perhaps in a student's function

    told = swap.explain(error)
    return told or f"the child failed: {type(error).__name__}: {error}"
