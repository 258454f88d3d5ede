"""A terminal, as somebody sees it who sits in front of one: run -it, exec -it, attach, detach."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect  # type: ignore[import-untyped]
import pytest

from tests.e2e import hostile
from tests.e2e.conftest import Engine, attached, until

pytestmark = pytest.mark.e2e

PROMPT = "box# "
SHELL = ("-e", f"PS1={PROMPT}", "busybox", "sh")
DETACH = b"\x10\x11"
Person = Callable[..., "pexpect.spawn[bytes]"]


@pytest.fixture
def person(engine: Engine) -> Iterator[Person]:
    """Whoever types a command in a terminal of 97 columns and 33 rows."""
    with contextlib.ExitStack() as stack:

        def type(*words: str, **options: Any) -> pexpect.spawn[bytes]:
            command, *rest = engine.command
            if options.pop("shell", False):  # which has the terminal before and after
                script = '"$@"; echo "gone $?"; read -r x'
                command, *rest = "/bin/sh", "-c", script, "sh", *engine.command
            environment = {**os.environ, **engine.environment, **options.pop("env", {})}
            child = pexpect.spawn(
                command,
                [*rest, *words],
                timeout=20,
                dimensions=(33, 97),
                env=environment,
                cwd=Path(__file__).parents[2],
                **options,
            )
            child.delaybeforesend = None
            stack.callback(child.close, force=True)
            return child

        yield type


def end(child: pexpect.spawn[bytes]) -> int:
    """Wait for the end of *child*; return its exit code."""
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus is not None, child.signalstatus
    return int(child.exitstatus)


def say(child: pexpect.spawn[bytes], line: str) -> str:
    """Type *line* at the prompt, and return what comes before the next one."""
    child.sendline(line)
    child.expect_exact(line + "\r\n")
    child.expect_exact(PROMPT)
    return str(child.before, "utf-8").replace("\r\n", "\n").strip()


def cooked(child: pexpect.spawn[bytes]) -> bool:
    """Say whether the terminal of *child* is as a shell leaves it to its programs."""
    flags = termios.tcgetattr(child.child_fd)
    local = termios.ICANON | termios.ECHO | termios.ISIG
    return flags[3] & local == local and bool(flags[1] & termios.OPOST)


def in_front(engine: Engine, command: str) -> None:
    """Wait until *command* is what has the container's terminal: ps(1) marks it with a +."""

    def found() -> bool:
        rows = engine("top", "box", "-o", "pid,stat,args").out.decode().splitlines()
        return any("+" in row.split()[1] and row.endswith(command) for row in rows)

    until(found, f"{command} in the foreground")


def test_a_terminal_of_its_own(engine: Engine, person: Person) -> None:
    child = person("run", "-it", "--rm", *SHELL)
    child.expect_exact(PROMPT)
    assert say(child, "tty") == "/dev/pts/0"
    assert say(child, "stty size") == "33 97"
    assert say(child, "echo $TERM") == "xterm"
    assert say(child, "[ /dev/console -ef /dev/pts/0 ]; ls -l /dev/console").startswith("c")
    assert say(child, "echo there >/dev/tty") == "there"
    child.sendline("exit 7")
    assert end(child) == 7


def test_the_size_is_there_before_the_program(engine: Engine, person: Person) -> None:
    """A program's first question is answered: ten times, for the answer was a race once."""
    engine("run", "-dit", "--name", "box", "busybox", "cat")
    engine("create", "-it", "--name", "asks", "busybox", "stty", "size")
    for _ in range(10):
        for words in (
            ("run", "-it", "--rm", "busybox", "stty", "size"),
            ("exec", "-it", "box", "stty", "size"),
            ("start", "-ai", "asks"),
        ):
            child = person(*words)
            child.expect(pexpect.EOF)
            assert child.before == b"33 97\r\n", words
            assert end(child) == 0


def test_ctrl_c_reaches_the_program_and_not_the_engine(engine: Engine, person: Person) -> None:
    child = person("run", "-it", "--rm", "--name", "box", *SHELL)
    child.expect_exact(PROMPT)
    child.sendline("sleep 1000")
    in_front(engine, "sleep 1000")
    child.sendcontrol("c")
    child.expect_exact(PROMPT)
    assert say(child, "echo $?; cat /proc/1/comm").split() == ["130", "sh"]
    child.sendcontrol("d")
    assert end(child) == 0


def test_job_control(engine: Engine, person: Person) -> None:
    child = person("run", "-it", "--rm", "--name", "box", *SHELL)
    child.expect_exact(PROMPT)
    child.sendline("sleep 1000")
    in_front(engine, "sleep 1000")
    child.sendcontrol("z")
    child.expect("Stopped")
    child.expect_exact(PROMPT)
    assert "Stopped" in say(child, "jobs")
    assert "sleep 1000" in say(child, "bg")
    assert "Running" in say(child, "jobs")
    child.sendline("fg")
    child.expect_exact("sleep 1000\r\n")
    in_front(engine, "sleep 1000")
    child.sendcontrol("c")
    child.expect_exact(PROMPT)
    assert say(child, "jobs") == ""
    child.sendline("exit")
    end(child)


def test_the_window_follows(engine: Engine, person: Person) -> None:
    child = person("run", "-it", "--rm", *SHELL)
    child.expect_exact(PROMPT)
    assert say(child, "trap 'echo changed' WINCH") == ""
    child.setwinsize(21, 55)
    deadline = time.monotonic() + 10
    while say(child, "stty size").splitlines()[-1] != "21 55":
        assert time.monotonic() < deadline
    child.sendline("exit 0")
    assert end(child) == 0


def test_vi_top_and_a_nested_shell(engine: Engine, person: Person) -> None:
    child = person("run", "-it", "--rm", *SHELL)
    child.expect_exact(PROMPT)
    child.sendline("vi /tmp/note")
    child.expect_exact("/tmp/note")
    child.send("iwritten in vi")
    child.expect_exact("written in vi")
    child.send("\x1b")
    time.sleep(0.3)  # a key of its own, not the begin of a longer one
    child.send(":wq\r")
    child.expect_exact(PROMPT)
    assert say(child, "cat /tmp/note") == "written in vi"
    child.sendline("top")
    child.expect("Load average")
    child.send("q")
    child.expect_exact(PROMPT)
    child.sendline("sh")
    child.expect_exact("sh\r\n")
    child.expect_exact(PROMPT)
    assert say(child, "echo $PPID") == "1"
    child.sendline("exit")
    child.expect_exact(PROMPT)
    child.sendline("exit 3")
    assert end(child) == 3


def test_detach_and_attach_again(engine: Engine, person: Person) -> None:
    child = person("run", "-it", "--name", "box", *SHELL)
    child.expect_exact(PROMPT)
    assert say(child, "x=kept") == ""
    child.send(DETACH)
    assert end(child) == 0
    assert b"escape" not in child.before  # whoever starts a container is done; a visitor is told
    assert engine.inspect("box")["State"]["Running"]
    for _ in range(2):
        child = person("attach", "box")
        child.send("\r")
        child.expect_exact(PROMPT)
        assert say(child, "echo $x") == "kept"
        child.send(DETACH)
        child.expect_exact("read escape sequence")
        assert end(child) == 1
    child = person("attach", "box")
    child.sendline("exit 5")
    assert end(child) == 5
    assert engine.inspect("box")["State"]["ExitCode"] == 5


def test_other_keys_detach(engine: Engine, person: Person) -> None:
    child = person("run", "-it", "--name", "box", "--detach-keys", "ctrl-a,x,y", *SHELL)
    child.expect_exact(PROMPT)
    child.send(DETACH)  # no more than two bytes for the shell
    child.sendcontrol("u")
    assert say(child, "echo on") == "on"
    for key in b"\x01", b"x", b"y":
        time.sleep(0.1)
        child.send(key)
    assert end(child) == 0
    engine("attach", "--detach-keys", "ctrl-", "box").refused("Invalid detach keys (ctrl-)", code=1)


def test_several_at_once(engine: Engine, person: Person) -> None:
    first = person("run", "-it", "--name", "box", *SHELL)
    first.expect_exact(PROMPT)
    second = person("attach", "box")
    second.send("\r")
    second.expect_exact(PROMPT)
    with engine.popen("attach", "--no-stdin", "box") as third:
        attached(engine, "box", 3)
        assert say(second, "echo $((6 * 7))") == "42"
        first.expect_exact("42\r\n")
        second.send(DETACH)
        assert end(second) == 1
        first.sendline("exit 4")
        assert end(first) == 4
        out, _ = third.communicate(timeout=20)
        assert b"42\r\n" in out
        assert third.returncode == 4


def behind(shell: pexpect.spawn[bytes]) -> int:
    """Return the pid of the command that *shell* runs."""
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(place.read_text().rpartition(")")[2].split()[1]) == shell.pid:
                return int(place.parent.name)
    raise AssertionError("no command")


@pytest.mark.parametrize("how", ["exit", "detach", "kill", "TERM", "HUP", "KILL", "rm"])
def test_the_terminal_comes_back(engine: Engine, person: Person, how: str) -> None:
    child = person("run", "-it", "--sig-proxy=false", "--name", "box", *SHELL, shell=True)
    child.expect_exact(PROMPT)
    until(lambda: not cooked(child), "raw mode")
    if how == "exit":
        child.sendline("exit")
    elif how == "detach":
        child.send(DETACH)
    elif how == "kill":
        engine.ok("kill", "box")
    elif how == "rm":
        engine.ok("rm", "-f", "box")
    else:
        os.kill(behind(child), getattr(signal, f"SIG{how}"))
    code = {"TERM": 143, "HUP": 129, "KILL": 137, "kill": 137, "rm": 137}.get(how, 0)
    child.expect_exact(f"gone {code}")
    until(lambda: cooked(child), f"the terminal as it was, after {how}", 5)
    if how != "rm":
        running = how in ("detach", "TERM", "HUP", "KILL")
        assert engine.inspect("box")["State"]["Running"] == running


@pytest.mark.parametrize("command", ["run", "start", "attach"])
def test_signals_are_the_containers_if_run_says_so(
    engine: Engine, person: Person, command: str
) -> None:
    """Unlike `run`, `start -a` and `attach` are ended by them: docker/cli, run.go and start.go."""
    box = ("-it", "--init", "--name", "box", "busybox", "sh", "-c", "echo up; sleep 1000")
    words = {"run": box, "start": ("-ai", "box"), "attach": ("box",)}[command]
    if command != "run":
        engine.ok(*(("run", "-d") if command == "attach" else ("create",)), *box)
    child = person(command, *words, shell=True)
    until(lambda: not cooked(child), "raw mode")
    client = behind(child)
    os.kill(client, signal.SIGWINCH)
    os.kill(client, signal.SIGTERM)
    child.expect_exact("gone 143")
    until(lambda: cooked(child), "the terminal as it was", 5)
    assert engine.inspect("box")["State"]["Running"] == (command != "run")


def test_a_client_that_is_stopped_gives_the_terminal_back(engine: Engine, person: Person) -> None:
    child = person("run", "-it", "--name", "box", *SHELL, shell=True)
    child.expect_exact(PROMPT)
    until(lambda: not cooked(child), "raw mode")
    client = behind(child)
    os.kill(client, signal.SIGTSTP)
    until(lambda: cooked(child), "the terminal as it was")
    os.kill(client, signal.SIGCONT)
    until(lambda: not cooked(child), "raw mode again")
    assert say(child, "echo on") == "on"
    child.sendline("exit 0")
    child.expect_exact("gone 0")


def test_exec_has_a_terminal_too(engine: Engine, person: Person) -> None:
    engine.ok("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    child = person("exec", "-it", "-e", f"PS1={PROMPT}", "box", "sh")
    child.expect_exact(PROMPT)
    assert say(child, "tty; stty size; echo $TERM").split() == ["/dev/pts/0", "33", "97", "xterm"]
    child.setwinsize(20, 50)
    deadline = time.monotonic() + 10
    while say(child, "stty size") != "20 50":
        assert time.monotonic() < deadline
    child.sendline("sleep 500; echo ended with $?")
    in_front(engine, "sleep 500")
    child.sendcontrol("c")
    child.expect_exact(PROMPT)
    child.sendline("exit 6")
    assert end(child) == 6


@pytest.mark.parametrize("flags", [(), ("--privileged",)], ids=["plain", "born late"])
def test_a_detached_exec_goes_on(engine: Engine, person: Person, flags: tuple[str, ...]) -> None:
    engine.ok("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    child = person("exec", "-it", *flags, "-e", f"PS1={PROMPT}", "box", "sh")
    child.expect_exact(PROMPT)
    child.sendline("i=0; while [ $i -lt 30000 ]; do echo $i; i=$((i + 1)); done; echo done >/done")
    child.expect_exact("100\r\n")
    child.send(DETACH)
    child.expect_exact("read escape sequence")
    assert end(child) == 1
    until(lambda: engine("exec", "box", "cat", "/done").out == b"done\n", "the end of the loop")


def test_what_was_typed_before_a_detach_is_read(engine: Engine, person: Person) -> None:
    engine.ok("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    script = 'echo up; sleep 1; read -r line; echo "$line" >/typed; sleep 1; [ -t 0 ] && rm /up'
    engine.ok("exec", "box", "touch", "/up")
    child = person("exec", "-it", "box", "sh", "-c", script)
    child.expect_exact("up")
    child.send(b"typed in time\r" + DETACH)
    assert end(child) == 1
    until(lambda: engine("exec", "box", "cat", "/typed").out == b"typed in time\n", "the line", 5)
    until(lambda: engine("exec", "box", "ls", "/up").code, "the terminal afterwards", 5)


def test_exec_without_a_terminal_is_given_none(engine: Engine, person: Person) -> None:
    engine.ok("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    script = "for n in 0 1 2; do [ -t $n ] && echo terminal $n; done; readlink /proc/self/fd/1"
    for words in ("exec", "box"), ("exec", "-i", "box"), ("run", "--rm", "busybox"):
        child = person(*words, "sh", "-c", script)
        child.expect("pipe:")
        assert end(child) == 0
        assert child.before is not None and b"terminal" not in child.before


def test_a_terminal_where_there_is_none(engine: Engine) -> None:
    engine.ok("run", "-dit", "--name", "box", "busybox", "sh")
    engine.ok("run", "-dt", "--name", "deaf", "busybox", "sleep", "1000")
    for words in (
        ("run", "-it", "--rm", "busybox", "true"),
        ("exec", "-it", "box", "true"),
        ("attach", "box"),
        ("attach", "deaf"),
    ):
        engine(*words).refused("the input device is not a TTY", code=1)


def test_what_is_piped_into_start_is_typed(engine: Engine) -> None:
    """As with Docker: only `run`, `exec` and `attach` ask for a terminal."""
    engine.ok("create", "-it", "--name", "box", "busybox", "sh")
    result = engine("start", "-ai", "box", stdin=b"echo $((6 * 7))\nexit 3\n")
    assert result.code == 3 and b"\r\n42\r\n" in result.out, result


def test_a_devpts_that_is_none_is_refused(engine: Engine, person: Person) -> None:
    """The container decides what lies at /dev/pts: a terminal of its making would be a trap."""
    engine.ok("run", "-d", "--privileged", "--name", "box", "busybox", "sleep", "1000")
    script = "mount -t tmpfs none /dev/pts && mknod /dev/pts/ptmx c 1 3"
    engine.ok("exec", "--privileged", "box", "sh", "-c", script)
    child = person("exec", "-it", "box", "true")
    assert end(child) == 126
    assert child.before is not None and b"it is not a devpts" in child.before
    script = "umount /dev/pts; mount --bind /dev/zero /dev/pts/ptmx"
    engine.ok("exec", "--privileged", "box", "sh", "-c", script)
    child = person("exec", "-it", "box", "true")
    assert end(child) == 126
    assert child.before is not None and b"cannot open a terminal" in child.before


def test_ctrl_c_ends_a_start_that_is_held_up(engine: Engine, person: Person) -> None:
    """Until the program runs the terminal is the user's own, and Ctrl-C a signal."""
    engine.ok("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    slow = "import time, mini_docker.container_exec as e; e._demand = lambda it: time.sleep(60)"
    plain = Engine(engine.root)
    engine.command = hostile.weakened(engine, slow).command
    child = person("exec", "-it", "box", "touch", "/started")
    until(lambda: len(plain.ok("top", "box").splitlines()) == 3, "the process on its way in")
    child.sendintr()
    assert end(child) == 130
    until(lambda: len(plain.ok("top", "box").splitlines()) == 2, "its end")
    assert plain("exec", "box", "ls", "/started").code == 1


def test_term_goes_with_the_terminal(engine: Engine, person: Person) -> None:
    engine.ok("run", "-dt", "--name", "box", "busybox", "sleep", "1000")
    engine.ok("run", "-dt", "--name", "own", "-e", "TERM=vt100", "busybox", "sleep", "1000")
    show = ("sh", "-c", "echo TERM=$TERM.")
    assert engine.ok("exec", "box", *show) == "TERM=."
    assert engine.ok("exec", "own", *show) == "TERM=vt100."
    for flags, wanted in ((("-t",), "xterm"), (("-t", "-e", "TERM=screen"), "screen")):
        child = person("exec", *flags, "box", *show)
        assert end(child) == 0
        assert child.before is not None and child.before.strip() == f"TERM={wanted}.".encode()
    child = person("exec", "-t", "own", *show)
    assert end(child) == 0
    assert child.before is not None and child.before.strip() == b"TERM=vt100."


def test_a_terminal_without_input(engine: Engine, person: Person) -> None:
    """-t alone: the program has a terminal; what is typed stays the user's, Ctrl-C too."""
    engine.ok("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    child = person("exec", "-t", "box", "sh", "-c", "stty size; sleep 5; touch /over")
    child.expect_exact("33 97")
    assert cooked(child)
    child.sendintr()
    assert end(child) == 130
    until(lambda: engine("exec", "box", "ls", "/over").code == 0, "the end of the command")


def test_a_killed_exec_client_ends_nothing(engine: Engine, person: Person) -> None:
    engine.ok("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    script = "while [ ! -e /go ]; do echo tick; sleep 0.1; done; touch /over"
    child = person("exec", "-it", "box", "sh", "-c", script)
    child.expect_exact("tick")
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    engine.ok("exec", "box", "touch", "/go")
    until(lambda: engine("exec", "box", "ls", "/over").code == 0, "the end of the command")


def test_more_than_a_terminal_holds_arrives(engine: Engine, person: Person) -> None:
    data = bytes(n * 7 % 251 for n in range(300000)).replace(b"\x10", b"x")
    script = "stty raw -echo; echo ready; head -c 300000 | sha256sum; seq 100000"
    child = person("run", "-it", "--rm", "busybox", "sh", "-c", script)
    child.expect_exact("ready")
    for place in range(0, len(data), 4096):
        child.send(data[place : place + 4096])
    child.expect_exact(hashlib.sha256(data).hexdigest() + "  -")
    assert end(child) == 0
    assert child.before is not None
    assert child.before.split() == [b"%d" % n for n in range(1, 100001)]
