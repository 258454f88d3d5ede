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
    import signal
    from collections.abc import Callable, Mapping
    from typing import NoReturn
else:  # the same functions, without the cost of signal's enums
    import _signal as signal

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
    environment's PATH (DEFAULT_PATH if it has none), in their order; the first file
    that the kernel agrees to execute wins. An empty entry means the working directory.

    Raises CommandNotExecutable if such a file exists and the kernel refuses it (no
    permission, a directory, not a program), and CommandNotFound if there is none: the
    kernel says ENOENT or ENOTDIR of every place. Both name *argv*[0] and give the reason
    in Docker's words: for a command that was refused reason(error) in small letters, for
    one that is not found these, by its path and in PATH:

        exec: "/etc/passwd": permission denied
        exec: "/no/such/file": no such file or directory
        exec: "no-such-program": executable file not found in $PATH

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

    Parent and child share a pipe that closes on exec (os.pipe makes such a one). The
    child calls *child*(report), where report is the writing end, and ends with the
    exit code that this returns. Whatever *child* raises, fail() reports and ends the
    process: the child never comes back to the caller.

    Meanwhile the parent, which keeps only the reading end, reads up to REPORT_LIMIT
    bytes. Nothing before the end of file means that all is well: the child became
    another program, or closed *report* to say so. Text means that it failed: reap it,
    and raise what failure() makes of the text.

    Afterwards the parent has neither end open. *fork* returns 0 in the child and its
    pid in the parent; if it raises OSError, raise ProcessError. pipe(2), fork(2).
    """
    reader, report = os.pipe()
    with open(reader, "rb") as pipe:
        try:
            pid = fork()
            if pid == 0:
                try:
                    os.close(reader)
                    os._exit(child(report))
                except BaseException as error:
                    fail(error, report)
        except OSError as error:
            raise ProcessError(f"cannot start a process: {reason(error)}") from error
        finally:  # in the parent alone: the child has ended, or become another program
            os.close(report)
        text = pipe.read(REPORT_LIMIT)
    if text:
        os.waitpid(pid, 0)
        raise failure(text)
    return pid


def decode(status: int) -> int:
    """Return the exit code, as a shell counts it, of the wait *status* of an ended process.

    The kernel packs two numbers into a status. Bits 0 to 6: the signal that killed the
    process, or 0 if it ended by itself. Bits 8 to 15: the number that it gave to exit.
    Bit 7 is set if it left a core dump, and changes nothing here.

    A program that ended by itself gives its own number, 0 to 255. One that a signal
    killed gives 128 plus the signal's number: 137 is SIGKILL, 143 is SIGTERM.

    >>> decode(0x0300), decode(0x0009), decode(0x008B)
    (3, 137, 139)

    wait(2); in os, waitstatus_to_exitcode and the functions that begin with W.
    """
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def wait(pid: int) -> int:
    """Wait until child *pid* ends and return its exit code, as decode counts.

    Raises ProcessError if *pid* is not a child of the caller. waitpid(2).
    """
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError as error:
        raise ProcessError(f"cannot wait for process {pid}: it is not our child") from error
    return decode(status)


def init(main: int) -> int:
    """Be process 1 for child *main*: pass signals on, reap every child, return main's exit code.

    The caller has called block() before it started *main*: SIGCHLD and the signals in
    FORWARDED stay pending until sigwait takes them, one a call. Whichever it is:

    SIGCHLD: reap every child that has ended by now, without waiting for those that
    live on. One SIGCHLD may stand for several ends, and for a stop, which is no end.
    If *main* is among them, return its decoded status; all others are forgotten.
    Any other signal: send() it to *main*.

    Orphans end here too: the kernel makes process 1 the parent of every process whose
    own parent has ended. Without a wait each stays a zombie.

    Raises ProcessError if no child is left and *main* was not among them. sigwait(3),
    waitpid(2), pid_namespaces(7).
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

    A blocked mask and ignored signals survive an exec (signal(7)). Python itself ignores
    SIGPIPE and SIGXFSZ, a shell SIGINT and SIGQUIT for what it starts with "&".
    """
    for number in signal.valid_signals():
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def fail(error: BaseException, report: int) -> NoReturn:
    """End this child because of *error*, telling its parent through *report*."""
    told = report_of(error)
    try:
        os.write(report, told)
    finally:
        os._exit(int(told.partition(b" ")[0]))


def report_of(error: BaseException) -> bytes:
    """Return what failure() makes an error of again: its exit code, a blank, the message."""
    code = error.exit_code if isinstance(error, MiniDockerError) else 125
    text = f"{code} {_describe(error)}".replace("\n", " ")
    return os.fsencode(text)[:REPORT_LIMIT]


def failure(report: bytes) -> MiniDockerError:
    """Return the error that a child's *report* describes: see report_of()."""
    code, _, message = os.fsdecode(report).partition(" ")
    kinds = {"126": CommandNotExecutable, "127": CommandNotFound}
    return kinds.get(code, ProcessError)(message)


def _describe(error: BaseException) -> str:
    if isinstance(error, MiniDockerError):
        return str(error)
    from mini_docker import swap  # only a mistake leads here: perhaps in a student's function

    told = swap.explain(error)
    return told or f"the child failed: {type(error).__name__}: {error}"
