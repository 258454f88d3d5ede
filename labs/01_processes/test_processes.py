"""Lab 1: processes.

    lab check 1              every task
    lab check 1 -k task2     one task
    sudo lab check 1         with the tests that need root

Every test runs the function in processes of its own (course/experiment.py), so that one
that hangs, or comes back twice, harms nothing. What the kernel holds is read from /proc.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import processes
import pytest

from course import experiment, story
from course.experiment import Outcome, children, name, parent, state, until
from course.story import Story
from mini_docker import errors, syscalls

TOOL = '#!/bin/sh\necho "{0}"\n'


def sh(script: str) -> NoReturn:
    """Become a shell that runs *script*."""
    os.execv("/bin/sh", ["sh", "-c", script])


def place(path: Path, text: str, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


# Task 1: execute


def becomes(it: Story, argv: list[str], environment: dict[str, str]) -> Outcome:
    """Call execute; tell the story if it raised, or returned."""
    outcome = it.run(lambda: processes.execute(argv, environment))
    if outcome.raised:
        it.fail(f"{outcome.raised} ({outcome.raised.where})", "the program runs")
    it.check(not outcome.noted, "execute returned", "it never returns: the process is the program")
    return outcome


def refuses(
    it: Story, argv: list[str], environment: dict[str, str], kind: str
) -> experiment.Raised:
    """Call execute; tell the story unless it raised an error of *kind* that names argv[0]."""
    outcome = it.run(lambda: processes.execute(argv, environment))
    expected = f"{kind}, exit code {126 if kind == 'CommandNotExecutable' else 127}"
    if not outcome.raised:
        saw = "execute returned" if outcome.noted else f"no exception; {story.ending(outcome)}"
        it.fail(saw, expected)
    raised = outcome.raised
    mistakes = {
        "CommandNotFound": "126 and 127 mixed up: a file that is there and refused is 126",
        "CommandNotExecutable": "126 and 127 mixed up: what is nowhere to be found is 127",
    }
    it.check(raised.kind == kind, str(raised), expected, mistakes.get(raised.kind, ""))
    it.check(argv[0] in raised.message, f'the message "{raised.message}"', f"it names {argv[0]}")
    return raised


def test_task1_the_process_becomes_the_program() -> None:
    it = Story(
        "execute(['/bin/sh', '-c', 'echo $$'], {})", "sh -c 'echo $$; exec sh -c \"echo \\$\\$\"'"
    )
    outcome = it.run(lambda: processes.execute(["/bin/sh", "-c", "echo $$"], {}))
    it.check(
        outcome.output.strip() in ("", str(outcome.pid)),
        f"a shell with pid {outcome.output.strip()}, called by process {outcome.pid}",
        "the same pid: exec replaces the program and keeps the process",
        "the program runs in a child: that is what subprocess, os.system and os.spawn* do",
    )
    becomes(it, ["/bin/sh", "-c", "echo $$"], {})


def test_task1_arguments_arrive_as_they_are() -> None:
    argv = ["/usr/bin/printf", "%s\n", "two  words", "*", "$HOME", ""]
    outcome = becomes(Story(f"execute({argv}, {{}})"), argv, {})
    Story(f"execute({argv}, {{}})").check(
        outcome.output == "two  words\n*\n$HOME\n\n",
        f"printf got {outcome.output.splitlines()}",
        f"{argv[2:]}, byte for byte",
        "the arguments went through a shell, which splits and expands them",
    )


def test_task1_the_first_argument_is_the_name_as_it_was_given() -> None:
    it = Story("execute(['sh', '-c', 'echo $0'], {'PATH': '/bin'})")
    outcome = becomes(it, ["sh", "-c", "echo $0"], {"PATH": "/bin"})
    it.check(
        outcome.output == "sh\n",
        f"the program sees its name as {outcome.output.strip()}",
        "sh: argv[0] stays what the caller said, wherever the file was found",
    )


def test_task1_the_environment_is_the_given_one_and_nothing_more() -> None:
    def act() -> None:
        os.environ["SECRET"] = "of the engine"
        processes.execute(["/usr/bin/env"], {"COLOR": "blue", "SIZE": "7"})

    it = Story("execute(['/usr/bin/env'], {'COLOR': 'blue', 'SIZE': '7'})", "env -i COLOR=blue env")
    outcome = it.run(act)
    given = {"COLOR=blue", "SIZE=7"}
    names = sorted(line.partition("=")[0] for line in {*outcome.output.splitlines()} - given)
    it.check(
        not names,
        f"the program has {len(names)} more variables, such as {names[-1] if names else ''}",
        "COLOR=blue and SIZE=7, and nothing else",
        "the engine's own environment leaks into the container" if "SECRET" in names else "",
    )
    it.check(
        {*outcome.output.splitlines()} == given,
        str(outcome.raised or f"the program has {outcome.output.split()}"),
        "COLOR=blue and SIZE=7",
    )


def test_task1_a_name_is_looked_for_in_the_given_path(tmp_path: Path) -> None:
    place(tmp_path / "theirs" / "tool", TOOL.format("theirs"))
    place(tmp_path / "ours" / "tool", TOOL.format("the engine's"))

    def act() -> None:
        os.environ["PATH"] = f"{tmp_path}/ours:{os.environ['PATH']}"
        processes.execute(["tool"], {"PATH": f"{tmp_path}/theirs:/bin"})

    it = Story(
        "execute(['tool'], environment): one tool is in the PATH of the environment, "
        "another in the engine's own PATH"
    )
    outcome = it.run(act)
    it.check(
        outcome.output == "theirs\n",
        f"{outcome.raised or outcome.output.strip() or 'nothing'}",
        "the one in environment['PATH'] runs",
        "the search uses the PATH of the engine, not that of the container",
    )


def test_task1_the_first_directory_wins(tmp_path: Path) -> None:
    for which in ("first", "second"):
        place(tmp_path / which / "tool", TOOL.format(which))
    it = Story("execute(['tool'], ...), with a tool in both directories of PATH")
    path = f"{tmp_path}/nowhere:{tmp_path}/first:{tmp_path}/second:/bin"
    outcome = becomes(it, ["tool"], {"PATH": path})
    it.check(outcome.output == "first\n", f"the {outcome.output.strip()} one ran", "the first one")


def test_task1_a_refused_file_does_not_end_the_search(tmp_path: Path) -> None:
    place(tmp_path / "first" / "tool", TOOL.format("first"), mode=0o644)
    place(tmp_path / "second" / "tool", TOOL.format("second"))
    path = f"{tmp_path}/first:{tmp_path}/second:/bin"
    it = Story("execute(['tool'], ...): the first tool in PATH has no x permission, the second has")
    outcome = it.run(lambda: processes.execute(["tool"], {"PATH": path}))
    it.check(
        outcome.output == "second\n",
        str(outcome.raised or "it did not run"),
        "the second one runs",
        "the search ends at the first refusal",
    )


def test_task1_without_a_path_the_default_path_counts(tmp_path: Path) -> None:
    place(tmp_path / "tool", TOOL.format("found"))

    def act() -> None:
        processes.DEFAULT_PATH = f"{tmp_path}:/bin"
        processes.execute(["tool"], {})

    it = Story("execute(['tool'], {}), with the tool in a directory of DEFAULT_PATH")
    outcome = it.run(act)
    it.check(outcome.output == "found\n", str(outcome.raised or "it did not run"), "it runs")


def test_task1_an_empty_entry_of_path_is_the_working_directory(tmp_path: Path) -> None:
    place(tmp_path / "tool", TOOL.format("here"))

    def act() -> None:
        os.chdir(tmp_path)
        processes.execute(["tool"], {"PATH": "/nowhere::/bin"})

    it = Story(
        "execute(['tool'], {'PATH': '/nowhere::/bin'}), with the tool in the working directory"
    )
    outcome = it.run(act)
    it.check(outcome.output == "here\n", str(outcome.raised or "it did not run"), "it runs")


def test_task1_a_name_with_a_slash_is_a_path(tmp_path: Path) -> None:
    place(tmp_path / "bin" / "tool", TOOL.format("the path"))
    place(tmp_path / "elsewhere" / "bin" / "tool", TOOL.format("searched"))

    def act() -> None:
        os.chdir(tmp_path)
        processes.execute(["bin/tool"], {"PATH": f"{tmp_path}/elsewhere:/bin"})

    it = Story(
        "execute(['bin/tool'], ...): there is bin/tool here, and another below a directory of PATH"
    )
    outcome = it.run(act)
    it.check(
        outcome.output == "the path\n",
        str(outcome.raised or f"{outcome.output.strip()} ran"),
        "a name with a slash is a path, from the working directory; PATH has no say",
        "a name with a slash is searched in PATH",
    )


@pytest.mark.parametrize("named", ["in PATH", "by its path"])
@pytest.mark.parametrize("what", ["no permission", "a directory", "not a program"])
def test_task1_what_is_there_and_refused_is_126(tmp_path: Path, what: str, named: str) -> None:
    file = tmp_path / "tool"
    if what == "a directory":
        file.mkdir()
    else:
        place(
            file,
            "neither machine code nor a #! line\n",
            0o644 if what == "no permission" else 0o755,
        )
    argv = [str(file) if named == "by its path" else "tool"]
    it = Story(f"execute({argv}, ...), where tool is there, but: {what}", f"{file}; echo $?")
    raised = refuses(it, argv, {"PATH": f"/nowhere:{tmp_path}"}, "CommandNotExecutable")
    words = "exec format error" if what == "not a program" else "permission denied"
    it.check(
        words in raised.message.lower(),
        f'the message "{raised.message}"',
        f'it gives the reason in the words of the kernel: "{words}"',
    )


@pytest.mark.parametrize(
    "command",
    ["no-such-tool", "/no/such/tool", "./no-such-tool", "/etc/passwd/tool"],
    ids=["in PATH", "absolute", "relative", "below a file"],
)
def test_task1_what_is_nowhere_is_127(command: str) -> None:
    it = Story(f"execute(['{command}'], ...)", f"sh -c {command}; echo $?")
    raised = refuses(it, [command], {"PATH": "/nowhere:/etc/passwd:/bin"}, "CommandNotFound")
    words = "no such file or directory" if "/" in command else "not found in $PATH"
    it.check(
        words.lower() in raised.message.lower(),
        f'the message "{raised.message}"',
        f'it gives the reason in the words of the docstring: "{words}"',
        "one sentence for both: of a path, PATH was never asked" if "/" in command else "",
    )


def test_task1_a_script_without_its_interpreter_is_127(tmp_path: Path) -> None:
    script = place(tmp_path / "script", "#!/no/such/interpreter\n")
    it = Story(
        "execute(script), whose first line is #!/no/such/interpreter", f"sh -c {script}; echo $?"
    )
    refuses(it, [str(script)], {}, "CommandNotFound")


# Task 2: spawn


def descriptors() -> list[str]:
    """Return the calling process's open files, such as "3 -> pipe:[4711]"."""
    found = []
    for number in sorted(os.listdir("/proc/self/fd"), key=int):
        try:
            found.append(f"{number} -> {os.readlink(f'/proc/self/fd/{number}')}")
        except FileNotFoundError:
            continue  # the descriptor that listdir itself used
    return found


def sleeper(report: int) -> NoReturn:
    os.execv("/bin/sleep", ["sleep", "30"])


def failing(error: BaseException) -> Callable[[int], int]:
    def child(report: int) -> int:
        raise error

    return child


SLEEPER = "spawn(child), where child becomes `sleep 30`"
GOES_ON = "spawn returns while the child runs: it waits for the start, not for the end"


def test_task2_the_pid_of_the_child_is_returned() -> None:
    def act() -> list[int | None]:
        pid = processes.spawn(sleeper)
        return [pid, parent(pid) if isinstance(pid, int) else None, os.getpid()]

    it = Story(SLEEPER)
    pid, its_parent, caller = it.value(act, stuck=GOES_ON)
    it.check(pid is not None, "spawn returned None", "the child's pid")
    it.check(its_parent == caller, f"{pid}, whose parent is {its_parent}", f"a child of {caller}")


def test_task2_the_program_runs_when_spawn_returns() -> None:
    def child(report: int) -> NoReturn:
        time.sleep(0.1)  # the preparations: namespaces, mounts, limits
        sleeper(report)

    it = Story("spawn(child), where child prepares itself for 0.1 s and then becomes `sleep 30`")
    seen = it.value(lambda: name(processes.spawn(child)), stuck=GOES_ON)
    it.check(
        seen == "sleep",
        f"spawn was back while the child was still preparing (/proc/PID/comm: {seen})",
        "it returns once the child has become the program (sleep)",
        "spawn does not read the pipe to its end before it returns",
    )


def test_task2_spawn_returns_while_the_program_runs() -> None:
    it = Story(SLEEPER, "ls -l /proc/PID/fd")
    alive = it.value(lambda: state(processes.spawn(sleeper)), stuck=GOES_ON)
    it.check(alive not in ("", "Z"), f"the child's state is '{alive}'", "it is alive")


def test_task2_a_child_that_closes_its_report_runs_as_well() -> None:
    def child(report: int) -> int:
        os.close(report)
        time.sleep(30)
        return 0

    it = Story("spawn(child), where child closes its report and goes on for 30 s without an exec")
    alive = it.value(lambda: state(processes.spawn(child)), stuck="a closed report means: it runs")
    it.check(alive not in ("", "Z"), f"the child's state is '{alive}'", "it is alive")


@pytest.mark.parametrize("code", [0, 7])
def test_task2_what_the_child_returns_is_its_exit_code(code: int) -> None:
    def act() -> int:
        return os.waitpid(processes.spawn(lambda report: code), 0)[1]

    it = Story(f"spawn(child), where child returns {code}")
    outcome = it.run(act)
    escaped(it, outcome)
    saw = f"the child ended with wait status {outcome.value}"
    it.check(
        outcome.value == code << 8,
        str(outcome.raised or saw),
        f"wait status {code << 8}: an end by exit({code})",
        "the number that child returns is not passed to os._exit",
    )


def escaped(it: Story, outcome: Outcome) -> None:
    it.check(
        not outcome.came_back,
        "two processes came out of spawn: the caller, and the child",
        "the child ends inside spawn, whatever happens in it",
        "a child that escapes: it goes on with the caller's code, as a second engine",
    )


@pytest.mark.parametrize(
    "error", [ValueError("seven"), SystemExit(3), KeyboardInterrupt()], ids=repr
)
def test_task2_the_child_never_comes_back(error: BaseException) -> None:
    it = Story(f"spawn(child), where child raises {error!r}")
    outcome = it.run(lambda: processes.spawn(failing(error)))
    escaped(it, outcome)
    it.check(
        outcome.raised is not None,
        f"spawn returned {outcome.value}",
        "spawn raises: the child did not get ready",
        "the child's failure is lost: nobody writes it into the pipe, or nobody reads it",
    )
    it.check(outcome.raised.kind == "ProcessError", str(outcome.raised), "ProcessError")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.CommandNotFound('exec: "nope": no such file'), "CommandNotFound"),
        (errors.CommandNotExecutable('exec: "plain": permission denied'), "CommandNotExecutable"),
        (errors.RootfsError("cannot mount proc on /proc: busy"), "ProcessError"),
    ],
    ids=["not found", "not executable", "any other"],
)
def test_task2_what_the_child_raises_is_raised(error: errors.MiniDockerError, kind: str) -> None:
    it = Story(f"spawn(child), where child raises {type(error).__name__}('{error}')")
    outcome = it.run(lambda: processes.spawn(failing(error)))
    escaped(it, outcome)
    it.check(
        outcome.raised is not None,
        f"spawn returned {outcome.value}",
        "the failure of the child is the failure of spawn",
        "the child's failure is lost: nobody writes it into the pipe, or nobody reads it",
    )
    raised = outcome.raised
    it.check(
        raised.kind == kind, str(raised), f"{kind}, exit code {getattr(errors, kind).exit_code}"
    )
    it.check(raised.message == str(error), f'"{raised.message}"', f'"{error}", word for word')


def test_task2_a_child_that_failed_is_reaped() -> None:
    def act() -> list[str]:
        try:
            processes.spawn(failing(ValueError("seven")))
        except errors.ProcessError:
            pass
        else:
            return ["spawn did not raise"]
        return [f"process {pid}, state {state(pid)}" for pid in children(os.getpid())]

    it = Story("spawn(child), where child raises; then a look at the children", "ps --ppid PID")
    left = it.value(act)
    it.check(
        not left,
        "; ".join(left),
        "no child is left: spawn waits for one that failed",
        "a zombie: the failed child is not waited for" if "state Z" in str(left) else "",
    )


def refused() -> int:
    raise BlockingIOError(11, "Resource temporarily unavailable")


@pytest.mark.parametrize("how", ["a child that runs", "a child that failed", "a refused fork"])
def test_task2_no_descriptor_stays_open(how: str) -> None:
    def act() -> list[Any]:
        before, seen = descriptors(), "it returned"
        try:
            if how == "a refused fork":
                processes.spawn(sleeper, refused)
            else:
                processes.spawn(sleeper if "runs" in how else failing(ValueError("seven")))
        except (errors.ProcessError, BlockingIOError):
            seen = "it raised"
        new = [it for it in descriptors() if it not in before]
        return [seen, len(children(os.getpid())), new]

    it = Story(f"spawn, with {how}; then a look at /proc/self/fd", "ls -l /proc/PID/fd")
    seen, count, opened = it.value(act, stuck=GOES_ON)
    wanted = "it returned" if "runs" in how else "it raised"
    it.check(seen == wanted, seen, wanted)
    it.check(count > 0 or "runs" not in how, "there is no child", "a child, which runs")
    it.check(
        not opened,
        f"the caller has new open files: {', '.join(opened)}",
        "the same files open as before",
        "a leak: every start leaves an end of a pipe open, until there are no descriptors left",
    )


def test_task2_the_given_fork_makes_the_process() -> None:
    def act() -> list[Any]:
        made: list[int] = []

        def fork() -> int:
            made.append(os.fork())
            return made[-1]

        return [processes.spawn(sleeper, fork), made]

    it = Story("spawn(child, fork), with a fork that notes the pids it makes")
    pid, made = it.value(act, stuck=GOES_ON)
    it.check(
        made == [pid] and pid is not None,
        f"spawn returned {pid}; fork was asked for {made}",
        "one process, made by the given fork",
        "spawn calls os.fork and not the fork that it was given: no namespaces" if not made else "",
    )


def test_task2_a_refused_fork_is_an_error_of_ours() -> None:
    it = Story("spawn(child, fork), with a fork that the kernel refuses (EAGAIN)", "ulimit -u")
    raised = it.run(lambda: processes.spawn(sleeper, refused)).raised
    it.check(
        raised is not None and raised.kind == "ProcessError",
        str(raised or "no exception"),
        "ProcessError, with the reason",
        "an OSError escapes from spawn: the user gets a traceback for one line",
    )


@pytest.mark.root
def test_task2_a_fork_may_make_a_pid_namespace() -> None:
    def act() -> int:
        return os.waitpid(
            processes.spawn(
                lambda report: os.getpid(), lambda: syscalls.clone(syscalls.CLONE_NEWPID)
            ),
            0,
        )[1]

    it = Story(
        "spawn, with a fork that makes a pid namespace", "unshare --fork --pid sh -c 'echo $$'"
    )
    status = it.value(act)
    it.check(status == 1 << 8, f"wait status {status}", "the child is process 1 in there")


# Task 3: decode


@pytest.mark.parametrize("code", [0, 1, 3, 126, 127, 137, 255])
def test_task3_a_program_that_exits_gives_its_own_code(code: int) -> None:
    it = Story(f"decode({code << 8:#06x}), the status of a program that called exit({code})")
    result = processes.decode(code << 8)
    it.check(
        result == code,
        f"{result}",
        f"{code}",
        "the status itself was taken for the exit code" if result == code << 8 and code else "",
    )


@pytest.mark.parametrize("number", [1, 2, 9, 15, 64])
def test_task3_a_signal_is_128_and_its_number(number: int) -> None:
    it = Story(
        f"decode({number:#06x}), the status of a process that signal {number} killed",
        f"sh -c 'kill -{number} $$'; echo $?",
    )
    result = processes.decode(number)
    mistakes = {
        0: "a killed process counts as a success: the signal is not looked at",
        -number: "Python's convention, minus the signal; shells and Docker add 128",
        number: "the status itself was taken for the exit code",
    }
    it.check(result == 128 + number, f"{result}", f"{128 + number}", mistakes.get(result, ""))


@pytest.mark.parametrize("number", [3, 6, 11])
def test_task3_a_core_dump_changes_nothing(number: int) -> None:
    it = Story(f"decode({number | 0x80:#06x}): signal {number}, and bit 7: there is a core dump")
    result = processes.decode(number | 0x80)
    it.check(
        result == 128 + number,
        f"{result}",
        f"{128 + number}",
        "the core dump bit was taken for a part of the signal's number"
        if result == 256 + number
        else "",
    )


@pytest.mark.parametrize(
    ("script", "code"), [("exit 3", 3), ("kill -KILL $$", 137), ("kill -TERM $$", 143)]
)
def test_task3_wait_tells_how_a_real_process_ended(script: str, code: int) -> None:
    def act() -> int:
        pid = os.fork()
        if pid == 0:
            sh(script)
        return processes.wait(pid)

    it = Story(f"wait for sh -c '{script}'; wait uses your decode", f"sh -c '{script}'; echo $?")
    result = it.value(act)
    it.check(result == code, f"{result}", f"{code}")


# Task 4: init
#
# Without root a process becomes the parent of orphans by prctl(PR_SET_CHILD_SUBREAPER). It
# stands in for process 1 here; the tests at the end have the real one.

HEARD = "main waits 0.8 s for the signal, and ends with 99 if none comes"


def under_init(main: Callable[[], int]) -> int:
    """Be process 1 for *main*, a function that runs in a child and returns its exit code."""
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    return _init_for(main)


def _init_for(main: Callable[[], int]) -> int:
    processes.block()
    pid = os.fork()
    if pid == 0:
        processes.unblock()
        code = 90  # an exception in here
        try:
            code = main()
        finally:
            os._exit(code)
    return processes.init(pid)


class Orphans:
    """Processes whose parent has ended; each ends with *code* when it is released.

    With *forever* they do not end when the one that could release them is gone.
    """

    def __init__(self, count: int, code: int = 9, forever: bool = False) -> None:
        gate, self.gate = os.pipe()
        pids, told = os.pipe()
        for _ in range(count):
            between = os.fork()
            if between == 0:
                if (pid := os.fork()) == 0:
                    if not forever:
                        os.close(self.gate)
                    os.read(gate, 1)
                    os._exit(code)
                os.write(told, pid.to_bytes(4, "little"))
                os._exit(0)
            os.waitpid(between, 0)
        raw = os.read(pids, 4 * count)
        self.pids = [int.from_bytes(raw[at : at + 4], "little") for at in range(0, 4 * count, 4)]

    def release(self) -> None:
        os.close(self.gate)

    def states(self) -> str:
        return "".join(state(pid) for pid in self.pids)


def hears(*numbers: int) -> Callable[[], int]:
    """Return a main that sends *numbers* to its init, and ends with 7 when all have come back."""

    def main() -> int:
        heard: list[int] = []
        for number in numbers:
            signal.signal(number, lambda number, frame: heard.append(number))
        for number in numbers:
            os.kill(os.getppid(), number)
        return 7 if until(lambda: set(heard) == set(numbers), 0.8) else 99

    return main


def test_task4_the_code_of_main_is_returned() -> None:
    it = Story("init(main), where main exits with 3")
    result = it.value(lambda: under_init(lambda: 3))
    it.check(
        result == 3,
        f"init returned {result}",
        "3",
        "the wait status is not decoded" if result == 3 << 8 else "",
    )


def test_task4_a_main_that_ends_with_0_has_ended() -> None:
    it = Story("init(main), where main exits with 0", "sh -c 'exit 0'; echo $?")
    mistake = "0 is a code too: `if code` does not tell main's end from nothing"
    outcome = it.run(lambda: under_init(lambda: 0), "init returns 0", mistake)
    saw = f"{outcome.raised} ({outcome.raised.where})" if outcome.raised else ""
    it.check(outcome.value == 0, saw or f"init returned {outcome.value}", "it returns 0", mistake)


def test_task4_a_killed_main_is_128_and_the_signal() -> None:
    it = Story("init(main), where main kills itself with SIGKILL")
    result = it.value(lambda: under_init(lambda: sh("kill -KILL $$")))
    it.check(result == 137, f"init returned {result}", "137")


def test_task4_a_main_that_has_ended_already_is_found() -> None:
    def act() -> int:
        processes.block()
        pid = os.fork()
        if pid == 0:
            os._exit(3)
        until(lambda: state(pid) == "Z")
        return processes.init(pid)

    it = Story("init(main) for a main that ended before the call")
    result = it.value(act, stuck="init finds the SIGCHLD that block() has kept for it, and returns")
    it.check(result == 3, f"init returned {result}", "3")


def test_task4_a_main_that_is_no_child_of_ours_is_an_error() -> None:
    def act() -> int:
        processes.block()
        pid = os.fork()
        if pid == 0:
            os._exit(3)
        os.waitpid(pid, 0)  # its SIGCHLD is still pending
        return processes.init(pid)

    expected = "ProcessError: no child is left, so nobody will ever tell how main ended"
    it = Story("init(main) for a main that somebody else has waited for; SIGCHLD is pending")
    waits = "`except ChildProcessError` goes back to sigwait, and no SIGCHLD will come again"
    outcome = it.run(act, expected, waits)
    if not outcome.raised:
        it.fail(f"init returned {outcome.value}", expected)
    bare = "the kernel's own error came through: catch it and raise ProcessError from it"
    mistake = bare if outcome.raised.kind == "ChildProcessError" else ""
    it.check(outcome.raised.kind == "ProcessError", str(outcome.raised), expected, mistake)


@pytest.mark.parametrize("word", ["TERM", "INT", "HUP", "WINCH", "RTMIN"])
def test_task4_a_signal_to_init_reaches_main(word: str) -> None:
    number = int(getattr(signal, f"SIG{word}"))
    it = Story(f"init(main), where main catches SIG{word} and sends it to process 1; {HEARD}")
    result = it.value(lambda: under_init(hears(number)))
    it.check(
        result == 7,
        f"init returned {result}",
        "7: the signal comes back to main",
        "signals are not forwarded: docker stop would wait in vain, and then kill",
    )


def test_task4_several_signals_all_reach_main() -> None:
    it = Story(f"init(main), where main sends USR1, USR2 and TERM to process 1 in one go; {HEARD}")
    result = it.value(
        lambda: under_init(hears(signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM)),
        stuck="init goes on after the first signal",
    )
    it.check(
        result == 7,
        f"init returned {result}",
        "7: all three reach main, and init goes on until main ends",
        "init ends itself at a signal, and does not wait for main" if result == 0 else "",
    )


def test_task4_init_waits_for_a_main_that_takes_its_time_to_stop() -> None:
    def main() -> int:
        asked: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
        os.kill(os.getppid(), signal.SIGTERM)
        if not until(lambda: bool(asked), 0.8):
            return 99
        time.sleep(0.1)  # save the data, close the connections
        return 7

    it = Story(
        "init(main), where main needs 0.1 s to clean up after SIGTERM, and then exits with 7"
    )
    result = it.value(lambda: under_init(main))
    it.check(
        result == 7,
        f"init returned {result}",
        "7, the code of main",
        {
            143: "init answers SIGTERM itself and does not wait for main to end",
            99: "signals are not forwarded: docker stop would wait in vain, and then kill",
            137: "init kills main at SIGTERM: main has no time to clean up",
        }.get(result, ""),
    )


def test_task4_orphans_are_reaped_while_main_runs() -> None:
    def main() -> int:
        orphans = Orphans(3)
        orphans.release()
        until(lambda: orphans.states() == "", 0.7)
        return orphans.states().count("Z")

    it = Story(
        "init(main), where main leaves 3 orphans behind, lets them end, and looks 0.7 s later",
        "unshare --fork --pid sh -c '(sleep 1 &); exec sleep 3' & sleep 2; ps -e -o stat,args",
    )
    result = it.value(lambda: under_init(main))
    it.check(
        result == 0,
        f"{result} of them are zombies whose parent is process 1"
        if result
        else f"init returned {result}",
        "none is left: init waits for every child, also for those it did not start",
        "an init without a reaper: it waits for main only",
    )


def test_task4_one_sigchld_may_stand_for_several_ends() -> None:
    def main() -> int:
        orphans, init = Orphans(5), os.getppid()
        os.kill(init, signal.SIGSTOP)
        orphans.release()
        until(lambda: orphans.states() == "ZZZZZ")
        os.kill(init, signal.SIGCONT)
        until(lambda: orphans.states() == "", 0.7)
        return orphans.states().count("Z")

    it = Story(
        "init(main), where main stops process 1 (SIGSTOP), lets 5 orphans end, lets it go on "
        "(SIGCONT), and looks 0.7 s later"
    )
    result = it.value(lambda: under_init(main), stuck="init returns when main has ended")
    it.check(
        result == 0,
        f"{result} of the 5 are zombies" if result else f"init returned {result}",
        "none is left: the kernel keeps one pending SIGCHLD, however many children have ended",
        "one wait for each SIGCHLD: signals are not counted",
    )


def test_task4_the_end_of_an_orphan_is_not_the_end_of_main() -> None:
    def main() -> int:
        orphans = Orphans(1, code=9)
        orphans.release()
        until(lambda: orphans.states() == "", 0.3)
        return 3

    it = Story("init(main), where an orphan ends with 9 first, and then main with 3")
    result = it.value(lambda: under_init(main))
    it.check(
        result == 3,
        f"init returned {result}",
        "3, the code of main",
        "the first child that ends is taken for main" if result == 9 else "",
    )


def test_task4_init_hears_signals_while_orphans_live_on() -> None:
    def main() -> int:
        living, ended = Orphans(1), Orphans(1)
        ended.release()
        until(lambda: ended.states() == "", 0.5)
        code = hears(signal.SIGTERM)()
        living.release()
        return code

    it = Story(
        "init(main), where one orphan has ended, another lives on, and main sends SIGTERM to "
        f"process 1; {HEARD}"
    )
    result = it.value(lambda: under_init(main))
    it.check(
        result == 7,
        f"init returned {result}",
        "7: the signal reaches main at once",
        "a wait that blocks: while it waits for the next child to end, init hears no signal",
    )


def test_task4_a_stop_is_not_an_end() -> None:
    def main() -> int:
        me = os.getpid()
        if os.fork() == 0:
            until(lambda: state(me) == "T")
            time.sleep(0.05)
            os.kill(me, signal.SIGCONT)
            os._exit(0)
        os.kill(me, signal.SIGSTOP)
        return 5

    it = Story(
        "init(main), where main is stopped for 0.05 s (SIGSTOP, SIGCONT) and then exits with 5"
    )
    result = it.value(lambda: under_init(main))
    it.check(
        result == 5, f"init returned {result}", "5: a stop sends SIGCHLD too, and ends nothing"
    )


def test_task4_orphans_that_live_on_do_not_keep_init() -> None:
    def main() -> int:
        Orphans(2, forever=True)
        return 3

    it = Story("init(main), where main leaves 2 orphans that live on, and exits with 3")
    result = it.value(
        lambda: under_init(main),
        stuck="init returns when main ends; the kernel takes care of the rest",
        mistake="init waits until there are no children left",
    )
    it.check(result == 3, f"init returned {result}", "3, as soon as main ends")


def test_task4_init_sleeps_while_nothing_happens() -> None:
    def main() -> int:
        until(lambda: state(os.getppid()) == "S", 0.5)
        awake = 0
        for _ in range(20):
            time.sleep(0.004)
            awake += state(os.getppid()) != "S"
        return awake

    it = Story("init(main), where main looks 20 times what process 1 is doing", "ps -o stat -p PID")
    awake = it.value(lambda: under_init(main))
    it.check(
        awake is not None and awake < 5,
        f"it was awake {awake} times" if awake else f"init returned {awake}",
        "asleep (S) nearly every time: sigwait sleeps until there is something to do",
        "a busy loop: it asks again and again",
    )


def in_pid_namespace(main: Callable[[], int]) -> int:
    """Start process 1 of a new pid namespace, which is init for *main*; return its pid out here."""
    pid = syscalls.clone(syscalls.CLONE_NEWPID)
    if pid == 0:
        code = 90
        try:
            code = _init_for(main)
        finally:
            os._exit(code if isinstance(code, int) else 91)
    return pid


@pytest.mark.root
def test_task4_as_process_1_init_passes_signals_on() -> None:
    it = Story(f"init(main) as process 1 of a pid namespace; main sends it SIGTERM; {HEARD}")
    status = it.value(lambda: os.waitpid(in_pid_namespace(hears(signal.SIGTERM)), 0)[1])
    it.check(
        status == 7 << 8,
        f"process 1 ended with wait status {status}",
        f"{7 << 8}: main heard the signal and exited with 7",
        "no default action ends process 1, so a signal that it does not handle is lost",
    )


@pytest.mark.root
def test_task4_as_process_1_init_reaps() -> None:
    def main() -> int:
        Orphans(3).release()
        time.sleep(30)
        return 0

    def act() -> str:
        pid = in_pid_namespace(main)
        until(lambda: len(children(pid)) > 1, 0.3)
        until(lambda: len(children(pid)) == 1, 1)
        until(lambda: [state(it) for it in children(pid)] == ["S"], 1)
        return "".join(state(it) for it in children(pid))

    it = Story("init(main) as process 1 of a pid namespace; 3 orphans end; main sleeps")
    states = it.value(act)
    it.check(
        states == "S",
        f"process 1 has children in the states '{states}'"
        if states
        else "process 1 has no children",
        "one child, main, asleep (S); no zombie (Z)",
    )


@pytest.mark.root
def test_task4_the_kernel_ends_what_outlives_process_1() -> None:
    def main() -> int:
        Orphans(2, forever=True)
        time.sleep(0.1)
        return 3

    def act() -> list[Any]:
        pid = in_pid_namespace(main)
        until(lambda: len(children(pid)) == 3)
        orphans = children(pid)
        status = os.waitpid(pid, 0)[1]
        return [len(orphans), status, "".join(state(it) for it in orphans)]

    it = Story("init(main) as process 1 of a pid namespace; main exits with 3, 2 orphans live on")
    count, status, left = it.value(act, stuck="init returns when main ends")
    it.check(status == 3 << 8, f"process 1 ended with wait status {status}", f"{3 << 8}: exit(3)")
    it.check(count == 3 and left == "", f"{count} children before, '{left}' after", "3, and none")
