"""Lab 12: streams.

    lab check 12             every task
    lab check 12 -k task3    one task
    sudo lab check 12        with the tests that need root

Terminals are real ones, of /dev/ptmx, made in processes of their own (course/experiment.py);
only where a container's devpts lies, and what is in its way, is told by a stand-in. The tests
marked root mount a devpts and let the kernel decide.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import random
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streams

from course import experiment
from course.story import Story
from mini_docker import syscalls
from mini_docker.errors import TerminalError

PLACE = "/dev/pts"
OTHERS = {"tmpfs": 0x01021994, "proc": 0x9FA0, "ext4": 0xEF53}  # <linux/magic.h>
BY_NAME = "a name may lead to another terminal: let the master open its other end"


# Task 1: open_terminal


class Devpts:
    """What the kernel is asked: paths of a container are told, its terminals are the host's."""

    def __init__(self, kind: int = streams.DEVPTS, missing: str = "", refuse: int = 0) -> None:
        self.kind, self.missing, self.refuse = kind, missing, refuse
        self.asked: dict[str, tuple[int, int]] = {}  # the path: its flags, and how to resolve it
        self.place = -1
        self.ioctl = fcntl.ioctl
        streams.syscalls.openat2 = self.openat2  # type: ignore[assignment]
        streams.syscalls.filesystem_type = self.filesystem_type  # type: ignore[assignment]
        streams.fcntl.ioctl = self.control  # type: ignore[assignment]

    def openat2(self, directory: int, path: str, flags: int, resolve: int, mode: int = 0) -> int:
        self.asked[path] = (flags, resolve)
        if path == self.missing:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if path == PLACE:
            self.place = os.open("/", flags)
            return self.place
        assert directory == self.place and path == "ptmx", "another place than the one it opened"
        return os.open("/dev/ptmx", flags)

    def filesystem_type(self, place: Any) -> int:
        if place != self.place:
            raise TypeError(f"filesystem_type({place!r}), and not of the descriptor {self.place}")
        return self.kind

    def control(self, descriptor: int, request: int, *rest: Any) -> Any:
        if request == self.refuse:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return self.ioctl(descriptor, request, *rest)


def descriptors() -> list[str]:
    """Return what the caller's descriptors stand for."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue  # the one that listed them
    return sorted(found)


def opened(it: Story, after: Callable[[int, int, Devpts], Any], **how: Any) -> Any:
    """Open a terminal on a told kernel, and return what *after* finds out about it."""

    def act() -> Any:
        kernel = Devpts(**how)
        before = descriptors()
        pair = streams.open_terminal()
        if not isinstance(pair, tuple) or len(pair) != 2:
            return {"pair": repr(pair)}
        return {"pair": "", "after": after(*pair, kernel), "left": len(descriptors()) - len(before)}

    outcome = it.run(act)
    if outcome.raised:
        it.fail(f"{outcome.raised}", "a terminal", why_none(outcome.raised.message))
    it.check(bool(outcome.noted), "the process ended", "it goes on")
    it.check(not outcome.value["pair"], outcome.value["pair"], "two descriptors, (master, slave)")
    leak = "the directory's descriptor stays open: one more for each terminal"
    it.check(outcome.value["left"] == 2, f"{outcome.value['left']} new descriptors", "2", leak)
    return outcome.value["after"]


def why_none(message: str) -> str:
    """Name the mistake after which there is no terminal but *message*."""
    if "Input/output" in message:
        return "the slave is still locked"
    path = "the path may lead to another place by now: ask what you have opened"
    return path if message.startswith("filesystem_type(") else ""


def refusing(it: Story, why: str, mistake: str = "", **how: Any) -> None:
    """Open a terminal that cannot be; tell the story unless that is a TerminalError, no more.

    *why* is the reason that it gives; *mistake* after what a terminal is there all the same.
    """

    def act() -> dict[str, Any]:
        Devpts(**how)
        before = descriptors()
        try:
            pair: Any = streams.open_terminal()
        except TerminalError as error:
            return {"said": str(error), "left": len(descriptors()) - len(before)}
        return {"pair": repr(pair)}

    outcome = it.run(act)
    if outcome.raised:
        through = why_none(outcome.raised.message) or "the kernel's own error got through"
        it.fail(f"{outcome.raised}", "TerminalError", through)
    seen = outcome.value
    trust = mistake or "what lies there was taken on trust"
    it.check("said" in seen, f"{seen.get('pair')}", "TerminalError", trust)
    whole = f"TerminalError: cannot open a terminal in {PLACE}: {why}"
    it.check(PLACE in seen["said"], seen["said"], whole, f"it does not name {PLACE}")
    little = "whoever reads that does not know what was tried, or why it failed"
    for part in ("cannot open a terminal in", why):
        it.check(part in seen["said"], f"TerminalError: {seen['said']}", whole, little)
    leak = "what was open when it failed stays open"
    it.check(seen["left"] == 0, f"{seen['left']} descriptors are left open", "none", leak)


WHERE = "open_terminal(), with a devpts at /dev/pts"


def test_task1_the_two_are_the_ends_of_one_terminal() -> None:
    def after(master: int, slave: int, _: Devpts) -> list[str]:
        os.write(slave, b"to the screen\n")
        screen = os.read(master, 100)
        os.write(master, b"typed\n")
        return [screen.decode(), os.read(slave, 100).decode()]

    it = Story(WHERE, "script -qc tty /dev/null")
    screen, typed = opened(it, after)
    it.check(
        screen == "to the screen\r\n",
        f"what was written to the second came out of the first as {screen!r}",
        "'to the screen\\r\\n': the terminal adds a carriage return on its way to the screen",
        "they are (slave, master), and should be (master, slave)" if "\r" not in screen else "",
    )
    it.check(typed == "typed\n", f"what was typed arrived as {typed!r}", "'typed\\n'")


def test_task1_neither_survives_an_exec() -> None:
    it = Story(WHERE)
    kept = opened(it, lambda *pair: [os.get_inheritable(end) for end in pair[:2]])
    it.check(kept == [False, False], f"inheritable: {kept}", "neither: a program would get both", "O_CLOEXEC is missing")  # noqa: E501  # fmt: skip


def test_task1_the_engine_does_not_get_a_controlling_terminal() -> None:
    def act() -> bool:
        if os.fork():
            return os.waitstatus_to_exitcode(os.wait()[1]) == 0
        try:
            os.setsid()  # a leader without a terminal: what it opens first would be its own
            Devpts()
            streams.open_terminal()
        except NotImplementedError:
            os._exit(3)
        except BaseException:
            os._exit(0)
        try:
            os.close(os.open("/dev/tty", os.O_RDWR))
        except OSError:
            os._exit(0)
        os._exit(1)

    it = Story(
        "open_terminal() in a process that leads a session",
        "setsid --wait sh -c 'echo hello > /dev/tty'",
    )
    opened(it, lambda *_: None)
    value = it.value(act)
    it.check(value, "/dev/tty is now this terminal", "the caller has none, as before", "O_NOCTTY is missing")  # noqa: E501  # fmt: skip


def test_task1_no_link_is_followed() -> None:
    it = Story(WHERE, "ln -s /dev/pts link; stat -Lfc %T link")
    asked = opened(it, lambda _master, _slave, kernel: kernel.asked)
    for path in (PLACE, "ptmx"):
        it.check(path in asked, f"{sorted(asked)} were opened", f"{path} among them")
        resolve = asked[path][1]
        links = resolve & streams.NO_LINKS
        it.check(bool(links), f"{path} was opened with resolve={resolve:#x}", "NO_LINKS", "a link in the container leads to a terminal of the host")  # noqa: E501  # fmt: skip


def test_task1_no_mount_in_there_is_entered() -> None:
    it = Story(
        WHERE, "unshare -m sh -c 'mount --bind /dev/null /dev/pts/ptmx; ls -l /dev/pts/ptmx'"
    )
    resolve = opened(it, lambda _master, _slave, kernel: kernel.asked["ptmx"][1])
    it.check(bool(resolve & streams.NO_MOUNTS), f"ptmx was opened with resolve={resolve:#x}", "NO_MOUNTS", "what is mounted over ptmx is opened in its place")  # noqa: E501  # fmt: skip


@pytest.mark.parametrize("kind", OTHERS)
def test_task1_what_is_no_devpts_is_refused(kind: str) -> None:
    it = Story(f"open_terminal(), with a file system of type {kind} at /dev/pts", f"stat -fc %T {PLACE}")  # noqa: E501  # fmt: skip
    refusing(it, "it is not a devpts", kind=OTHERS[kind])


def test_task1_a_place_that_is_missing_is_an_error_of_the_engine() -> None:
    refusing(Story("open_terminal(), without a /dev/pts"), "No such file or directory", missing=PLACE)  # noqa: E501  # fmt: skip


def test_task1_a_devpts_without_ptmx_is_an_error_of_the_engine() -> None:
    it = Story("open_terminal(), with a /dev/pts that has no ptmx")
    refusing(it, "No such file or directory", missing="ptmx")


def test_task1_a_slave_that_cannot_be_unlocked_leaves_no_master() -> None:
    it = Story("open_terminal(), and the kernel refuses TIOCSPTLCK")
    refusing(it, "Too many open files", refuse=streams.TIOCSPTLCK)


def test_task1_a_slave_that_cannot_be_opened_leaves_no_master() -> None:
    it = Story("open_terminal(), and the kernel refuses TIOCGPTPEER")
    refusing(it, "Too many open files", BY_NAME, refuse=streams.TIOCGPTPEER)


def mounted(it: Story, act: Callable[[], Any]) -> Any:
    """Run *act* where /dev/pts is a devpts of its own, in a mount namespace of its own."""

    def inside() -> Any:
        syscalls.unshare(syscalls.CLONE_NEWNS)
        syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
        syscalls.mount("devpts", PLACE, "devpts", 0, "newinstance,ptmxmode=0666,mode=0620")
        return act()

    outcome = it.run(inside)
    it.check(not outcome.raised, f"{outcome.raised}", "no such exception")
    return outcome.value


@pytest.mark.root
def test_task1_a_container_counts_its_terminals_from_0() -> None:
    it = Story(
        "open_terminal() twice, in a new devpts",
        "unshare -m sh -c 'mount -t devpts -o newinstance,ptmxmode=666 devpts /dev/pts; "
        "script -qc tty /dev/null'",
    )

    def act() -> list[str]:
        return [os.ttyname(streams.open_terminal()[1]) for _ in range(2)]

    names = mounted(it, act)
    it.check(names == [f"{PLACE}/0", f"{PLACE}/1"], f"{names}", "/dev/pts/0 and /dev/pts/1")


@pytest.mark.root
@pytest.mark.parametrize("trick", ["a link", "a mount"])
def test_task1_the_kernel_agrees_that_tricks_fail(tmp_path: Path, trick: str) -> None:
    it = Story(f"open_terminal(), with {trick} in its way")

    def act() -> str:
        if trick == "a mount":
            syscalls.mount("/dev/null", f"{PLACE}/ptmx", None, syscalls.MS_BIND)
            place = PLACE
        else:
            (tmp_path / "link").symlink_to(PLACE)
            place = str(tmp_path / "link")
        try:
            return repr(streams.open_terminal(place))
        except TerminalError as error:
            return f"TerminalError: {error}"

    said = mounted(it, act)
    it.check(said.startswith("TerminalError"), said, "TerminalError")


@pytest.mark.root
def test_task1_the_slave_is_the_masters_whatever_its_name_leads_to() -> None:
    it = Story(
        "open_terminal(), and after ptmx was opened another devpts is mounted over /dev/pts",
        "unshare -m sh -c 'mount -t devpts -o newinstance,ptmxmode=666 devpts /dev/pts; "
        "script -qc tty /dev/null'; ls -l /dev/pts/0",
    )

    def act() -> bool:
        openat2 = syscalls.openat2

        def meanwhile(directory: int, path: str, *rest: Any) -> int:
            found = openat2(directory, path, *rest)
            if path == "ptmx":
                syscalls.mount("devpts", PLACE, "devpts", 0, "newinstance,ptmxmode=0666,mode=0620")
                fcntl.ioctl(os.open(f"{PLACE}/ptmx", os.O_RDWR), streams.TIOCSPTLCK, bytes(4))
            return found

        streams.syscalls.openat2 = meanwhile
        master, slave = streams.open_terminal()
        os.write(slave, b"to the screen\n")
        return bool(select.select([master], [], [], 1)[0])

    saw = "what was written to the second did not come out of the first"
    it.check(mounted(it, act), saw, "the two ends of one terminal", BY_NAME)


# Task 2: take_terminal


def what_streams_are() -> list[str]:
    """Return what the caller's streams stand for."""
    return [os.readlink(f"/proc/self/fd/{stream}") for stream in (0, 1, 2)]


def _take(note: int, act: Callable[[int, int], Any], leader: bool, low: int | None) -> None:
    """In a child: make a terminal, take it, and write down what came of that."""
    if leader:
        os.setsid()
    master, slave = os.openpty()
    if low is not None:
        os.dup2(slave, low, inheritable=False)
        os.set_inheritable(low, False)
        os.close(slave)
        slave = low
    asked: list[Any] = []
    ioctl = fcntl.ioctl

    def control(descriptor: int, request: int, argument: Any = 0, *rest: Any) -> Any:
        if request == streams.TIOCSCTTY:
            asked.append(argument if isinstance(argument, int) else repr(argument))
        return ioctl(descriptor, request, argument, *rest)

    streams.fcntl.ioctl = control  # type: ignore[assignment]
    told: dict[str, Any] = {"raised": "", "asked": asked, "before": what_streams_are()}
    try:
        streams.take_terminal(slave)
        told["value"] = act(master, slave)
    except BaseException as error:
        told["raised"] = f"{type(error).__name__}: {error}"
        told["after"] = what_streams_are() if isinstance(error, TerminalError) else []
    os.write(note, json.dumps(told).encode())


def taking(
    it: Story, act: Callable[[int, int], Any], leader: bool = True, low: int | None = None
) -> Any:
    """Take a terminal in a child that leads a session; return what *act* finds out there.

    *low* is the stream that the slave is: one that would be closed by an exec.
    """

    def run() -> Any:
        reader, note = os.pipe()
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            _take(note, act, leader, low)
            os._exit(0)
        os.close(note)
        with open(reader, "rb") as pipe:
            told = json.loads(pipe.read())
        os.waitpid(pid, 0)
        if told["raised"].startswith("NotImplementedError: "):
            raise NotImplementedError(told["raised"][21:])
        return told

    return it.value(run)


def took(it: Story, act: Callable[[int, int], Any], low: int | None = None) -> Any:
    told = taking(it, act, low=low)
    it.check(not told["raised"], told["raised"], "no exception")
    return told["value"]


TAKE = "take_terminal(a slave) in a process that leads a session"


def test_task2_the_three_streams_are_the_terminal() -> None:
    def act(_master: int, _slave: int) -> list[str]:
        return [os.ttyname(stream) if os.isatty(stream) else "no terminal" for stream in (0, 1, 2)]

    it = Story(TAKE, "script -qc 'tty; ls -l /proc/self/fd' /dev/null")
    names = took(it, act)
    it.check(len(set(names)) == 1 and names[0].startswith("/dev"), f"streams 0, 1, 2: {names}", "one terminal", "a program has three streams, and asks 2 as well")  # noqa: E501  # fmt: skip


def test_task2_it_is_the_controlling_terminal() -> None:
    def act(master: int, _slave: int) -> str:
        try:
            mine = os.open("/dev/tty", os.O_RDWR)
        except OSError as error:
            return os.strerror(error.errno or 0)
        os.write(mine, b"hello")
        return os.read(master, 100).decode()

    it = Story(TAKE, "script -qc 'echo hello > /dev/tty' /dev/null")
    seen = took(it, act)
    it.check(seen == "hello", f"/dev/tty: {seen}", "what is written there comes out of the master", "the terminal is open, and nobody's controlling terminal: TIOCSCTTY is missing")  # noqa: E501  # fmt: skip


def test_task2_ctrl_c_becomes_a_signal() -> None:
    def act(master: int, _slave: int) -> bool:
        heard: list[int] = []
        signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        os.write(master, b"\x03")
        return experiment.until(lambda: bool(heard), 1)

    hand = "(sleep 1; printf '\\003') | script -qec 'sleep 9' /dev/null; echo $?"
    it = Story(f"{TAKE}; then Ctrl-C is typed", hand)
    mistake = "the terminal is open, and nobody's controlling terminal: TIOCSCTTY is missing"
    it.check(took(it, act), "no SIGINT within a second", "SIGINT", mistake)


def test_task2_the_streams_stay_open_over_an_exec() -> None:
    it = Story(TAKE)
    kept = took(it, lambda *_: [os.isatty(at) and os.get_inheritable(at) for at in (0, 1, 2)])
    it.check(kept == [True, True, True], f"inheritable: {kept}", "all three", "the program would start without its streams")  # noqa: E501  # fmt: skip


def test_task2_the_slave_itself_is_closed() -> None:
    def act(_master: int, slave: int) -> bool:
        try:
            os.fstat(slave)
        except OSError:
            return True
        return False

    it = Story(TAKE)
    it.check(took(it, act), "the slave's own descriptor is open", "closed: the streams are enough", "a fourth descriptor of the terminal stays open")  # noqa: E501  # fmt: skip


@pytest.mark.parametrize("low", [0, 1, 2])
def test_task2_a_slave_that_is_a_stream_stays_open(low: int) -> None:
    it = Story(f"take_terminal({low}), where descriptor {low} is the slave")
    seen = took(it, lambda *_: [os.isatty(stream) for stream in (0, 1, 2)], low)
    good = seen == [True, True, True]
    it.check(good, f"terminals at 0, 1, 2: {seen}", "all three", "it closed what had become a stream")  # noqa: E501  # fmt: skip


@pytest.mark.parametrize("low", [0, 1, 2])
def test_task2_a_slave_that_is_a_stream_stays_open_over_an_exec(low: int) -> None:
    it = Story(f"take_terminal({low}), where descriptor {low} is the slave, and close-on-exec")
    kept = took(it, lambda *_: [os.isatty(at) and os.get_inheritable(at) for at in (0, 1, 2)], low)
    mistake = "os.dup2 of a descriptor onto itself does nothing: an exec still closes it"
    it.check(kept == [True, True, True], f"inheritable: {kept}", "all three", mistake)


def test_task2_nobody_is_robbed_of_a_terminal() -> None:
    it = Story(TAKE)

    def act(_master: int, _slave: int) -> bool:
        return os.tcgetpgrp(0) == os.getpgrp()

    told = taking(it, act)
    it.check(not told["raised"], told["raised"], "no exception")
    it.check(told["value"], "it is not the caller's", "the caller's controlling terminal")
    mistake = "with 1, root takes the terminal away from the session that has it"
    good = set(told["asked"]) <= {0}
    it.check(good, f"TIOCSCTTY with {told['asked']}", "with 0", mistake)


NO_LEADER = "python3 -c 'import fcntl, os; fcntl.ioctl(os.openpty()[1], 0x540E, 0)'"


def test_task2_what_the_kernel_refuses_is_an_error_of_the_engine() -> None:
    it = Story("take_terminal(a slave) in a process that leads no session", NO_LEADER)
    told = taking(it, lambda *_: None, leader=False)
    seen = told["raised"] or "no exception"
    expected = "TerminalError: cannot take the terminal: Operation not permitted"
    it.check(seen.startswith("TerminalError"), seen, expected, "the kernel's own error got through" if told["raised"] else "")  # noqa: E501  # fmt: skip
    mistake = "whoever reads that does not know what was tried, or why it failed"
    for part in ("cannot take the terminal", "Operation not permitted"):
        it.check(part in seen, seen, expected, mistake)


def test_task2_after_a_refusal_the_streams_are_what_they_were() -> None:
    it = Story("take_terminal(a slave) in a process that leads no session", NO_LEADER)
    told = taking(it, lambda *_: None, leader=False)
    seen = told["raised"] or "no exception"
    it.check(seen.startswith("TerminalError"), seen, "TerminalError")
    mistake = "the streams went first: nobody is left to tell the error to"
    it.check(told["after"] == told["before"], f"streams: {told['after']}", f"as before: {told['before']}", mistake)  # noqa: E501  # fmt: skip


# Task 3: Keys.feed

DETACH = b"\x10\x11"  # ctrl-p, ctrl-q
TYPED = "stty raw -echo; head -c 2 | od -c; stty sane    # then Ctrl-P, Ctrl-Q"


def typing(sequence: bytes, parts: list[bytes]) -> tuple[Story, list[Any], Any]:
    """Feed *parts* to new Keys; return the answers, up to the one that detaches."""
    it = Story(f"Keys({sequence!r}); feed() of {parts}", TYPED)
    keys, answers = streams.Keys(sequence), []
    for part in parts:
        answers.append(keys.feed(part))
        if keys.detached:
            break
    return it, answers, keys


def passes(
    sequence: bytes, parts: list[bytes], expected: list[bytes], detached: bool = False,
    mistake: str = "",
) -> Any:  # fmt: skip
    it, answers, keys = typing(sequence, parts)
    it.check(answers == expected, f"{answers}", f"{expected}", mistake)
    it.check(keys.detached is detached, f"detached is {keys.detached}", f"{detached}", mistake)
    if detached:
        held = "after the keys nothing is held: rest() would send it to what was left"
        it.check(keys.held == b"", f"held is {keys.held!r}", "b''", held)
        it.check((rest := keys.rest()) == b"", f"rest() returns {rest!r}", "b''", held)
    return keys


def test_task3_what_is_typed_goes_on() -> None:
    passes(DETACH, [b"ls\r", b"exit\r"], [b"ls\r", b"exit\r"])


def test_task3_bytes_of_any_kind_go_on() -> None:
    everything = bytes(byte for byte in range(256) if byte != 0x10)
    passes(DETACH, [everything], [everything])


def test_task3_the_sequence_detaches() -> None:
    passes(DETACH, [DETACH], [b""], detached=True)


def test_task3_the_sequence_detaches_wherever_it_stands() -> None:
    mistake = "a read may hold more than the keys: what was typed before them goes on"
    passes(DETACH, [b"ls\r" + DETACH], [b"ls\r"], True, mistake)
    passes(DETACH, [b"a", b"b" + DETACH + b"c"], [b"a", b"b"], True, mistake)


def test_task3_what_is_typed_after_it_belongs_to_nobody() -> None:
    passes(DETACH, [DETACH + b"rm\r"], [b""], True, "what was typed after the keys was passed on")


def test_task3_it_may_come_in_two_reads() -> None:
    mistake = "the sequence came in two reads and was not found"
    passes(DETACH, [b"ls\r\x10", b"\x11"], [b"ls\r", b""], True, mistake)


def test_task3_it_may_come_in_many_reads() -> None:
    mistake = "the sequence came in two reads and was not found"
    passes(b"abcd", [b"a", b"b", b"c", b"d"], [b"", b"", b"", b""], True, mistake)


def test_task3_its_beginning_is_held_back() -> None:
    keys = passes(DETACH, [b"x\x10"], [b"x"], mistake="the first key of the sequence was passed on")
    it = Story("Keys(ctrl-p,ctrl-q); feed(b'x\\x10')")
    it.check(
        keys.held == b"\x10", f"held is {keys.held!r}", "b'\\x10': it could become the sequence"
    )


def test_task3_what_did_not_become_the_sequence_goes_on() -> None:
    mistake = "a key that was held back is lost: Ctrl-P never reaches the shell"
    passes(DETACH, [b"\x10", b"x"], [b"", b"\x10x"], mistake=mistake)
    passes(DETACH, [b"\x10x"], [b"\x10x"], mistake=mistake)


def test_task3_a_false_start_may_hold_a_true_one() -> None:
    mistake = "after a false start the search begins too late"
    passes(DETACH, [b"\x10", b"\x10", b"\x11"], [b"", b"\x10", b""], True, mistake)
    passes(b"aab", [b"aa", b"a", b"b"], [b"", b"a", b""], True, mistake)
    passes(b"abac", [b"aba", b"bac"], [b"", b"ab"], True, mistake)


def test_task3_nothing_that_is_typed_before_it_is_lost_however_it_is_cut() -> None:
    dice = random.Random(12)
    for sequence in (DETACH, b"aab", b"aa", b"x", b"abcab"):
        for _ in range(200):
            text = bytes(dice.choice(sequence + b"z") for _ in range(dice.randrange(12)))
            cuts = sorted(dice.randrange(len(text) + 1) for _ in range(dice.randrange(4)))
            parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
            before, found, _ = text.partition(sequence)
            it, answers, keys = typing(sequence, parts)
            seen = b"".join(answers) + (b"" if keys.detached else keys.held)
            it.check(seen == before, f"{seen!r} went on or is held", f"{before!r}, in this order")
            it.check(keys.detached is bool(found), f"detached is {keys.detached}", f"{bool(found)}")


def test_task3_without_a_sequence_nothing_detaches() -> None:
    mistake = "an empty sequence stands in every text: it must not be looked for"
    passes(b"", [b"ls\r", DETACH], [b"ls\r", DETACH], mistake=mistake)


# Task 4: entries

BY_JQ = "printf 'one\\ntwo\\n' | jq -cR '{log: (. + \"\\n\")}'"
OUT = b'"stream":"stdout","time":"2026-01-02T03:04:05Z"'
LIMIT = streams.LONGEST


def made(text: bytes, end: bool = False) -> tuple[Story, list[dict[str, Any]], bytes]:
    """Make the entries of *text*; return them as JSON sees them, and what waits."""
    short = f"{text[:40]!r}{f'... ({len(text)} bytes)' if len(text) > 40 else ''}"
    it = Story(f"entries({short}, fields, end={end})", BY_JQ)
    answer = streams.entries(text, OUT, end)
    good = isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[0], bytes)
    it.check(good, f"{answer!r}", "two byte strings: the entries, and what has to wait")
    return it, rows_of(it, answer[0], text), answer[1]


def rows_of(it: Story, made: bytes, text: bytes) -> list[dict[str, Any]]:
    """Return the entries *made* of *text* as JSON sees them; tell the story of one that is not."""
    rows = []
    *entries, rest = made.split(b"\n")
    it.check(rest == b"", f"{rest[-40:]!r} at the end", "each entry ends in a newline")
    lines = [*text.split(b"\n"), *[b"(no line)"] * len(entries)]
    for line, entry in zip(lines, entries, strict=False):
        try:
            row = json.loads(entry)
        except ValueError as error:
            place = max(getattr(error, "pos", 0) - 30, 0)
            part = f"{'... ' if place else ''}{entry[place : place + 90]!r}"
            saw = f"of the line {line[:60]!r} came the entry {part}: {error}"
            it.fail(saw, "a JSON object on each line", "the text was not escaped: quotes and backslashes break the record")  # noqa: E501  # fmt: skip
        rows.append(row)
    return rows


def fits(it: Story, rows: list[dict[str, Any]]) -> None:
    """Demand that no entry holds more of the text than it may."""
    size = max(len(row["log"].encode()) for row in rows)
    it.check(size <= LIMIT, f"an entry with {size} bytes of text", f"at most {LIMIT} in each", "an entry has a largest size, LONGEST, the newline among it")  # noqa: E501  # fmt: skip


def alike(it: Story, found: str, expected: str, mistake: str = "") -> None:
    """Demand that both are the same text; tell the story of the first place where they are not."""
    if found != expected:
        pairs = enumerate(zip(found, expected, strict=False))
        shorter = min(len(found), len(expected))
        place = next((at for at, (one, other) in pairs if one != other), shorter)
        saw, wanted = (
            f"{text[place : place + 40]!r}" if text[place:] else "its end"
            for text in (found, expected)
        )
        it.fail(
            f"put together, {place} characters are the text, and then comes {saw}", wanted, mistake
        )


def logs(text: bytes, expected: list[str], waits: bytes = b"", end: bool = False, mistake: str = "") -> None:  # noqa: E501  # fmt: skip
    it, rows, rest = made(text, end)
    found = [row.get("log") for row in rows]
    told = [f"{len(it)} bytes" if it and len(it) > 80 else it for it in found]
    it.check(found == expected, f"{told}", f"{[w if len(w) < 80 else f'{len(w)} bytes' for w in expected]}", mistake)  # noqa: E501  # fmt: skip
    it.check(rest == waits, f"{rest[:40]!r} waits", f"{waits[:40]!r} waits", mistake)


def _escaped_twice(text: bytes) -> str:
    twice = streams.entries(text, OUT)[0].startswith(b'{"log":"to be\\\\n')
    return "newlines were made before backslashes were escaped" if twice else ""


def test_task4_a_line_is_an_entry() -> None:
    logs(b"to be\n", ["to be\n"], mistake=_escaped_twice(b"to be\n"))


def test_task4_each_line_is_an_entry_of_its_own() -> None:
    logs(b"one\ntwo\n\nthree\n", ["one\n", "two\n", "\n", "three\n"], mistake="one entry for each line: that is what logs --tail counts")  # noqa: E501  # fmt: skip


def test_task4_the_fields_stand_behind_the_text() -> None:
    it, rows, _ = made(b"one\ntwo\n")
    fields = json.loads(b"{" + OUT + b"}")
    it.check([{k: row[k] for k in row if k != "log"} for row in rows] == [fields, fields], f"{rows}", f"in each {fields}")  # noqa: E501  # fmt: skip
    entry = streams.entries(b"to be\n", OUT)[0]
    expected = b'{"log":"to be\\n",' + OUT + b"}\n"
    it.check(entry == expected, f"{entry!r}", f"{expected!r}, byte for byte as Docker writes it")


def test_task4_a_line_without_its_end_waits() -> None:
    mistake = "half a line became an entry: the rest of it will be another one"
    logs(b"to be\nor not", ["to be\n"], b"or not", mistake=mistake)
    logs(b"or not", [], b"or not", mistake=mistake)


def test_task4_at_the_end_nothing_waits() -> None:
    mistake = "the last line of a program that ends without a newline is lost"
    logs(b"to be\nor not", ["to be\n", "or not"], end=True, mistake=mistake)
    logs(b"", [], end=True)
    logs(b"done\n", ["done\n"], end=True)


def test_task4_a_long_line_is_cut() -> None:
    mistake = "a line without an end would fill the memory: an entry has a largest size"
    long = "x" * (LIMIT + 100)
    logs(long.encode() + b"\n", [long[:LIMIT], long[LIMIT:] + "\n"], mistake=mistake)
    logs(
        b"a\n" + long.encode() + b"\n", ["a\n", long[:LIMIT], long[LIMIT:] + "\n"], mistake=mistake
    )


def test_task4_pieces_of_a_long_line_have_no_newline_of_their_own() -> None:
    it, rows, _ = made(b"x" * (3 * LIMIT) + b"\n")
    whole = "".join(row["log"] for row in rows)
    mistake = "the pieces cannot be put together again"
    alike(it, whole, "x" * (3 * LIMIT) + "\n", mistake)
    fits(it, rows)


def test_task4_a_line_that_just_fits_is_not_cut() -> None:
    fits = "x" * (LIMIT - 1) + "\n"
    logs(fits.encode(), [fits], mistake="the newline counts: a line of LONGEST bytes is one entry")
    waits = b"x" * LIMIT
    logs(waits, [], waits, mistake="LONGEST bytes may still get their newline: only more are cut")


def test_task4_a_line_that_is_one_byte_too_long_is_cut() -> None:
    mistake = "an entry has a largest size, LONGEST, the newline among it"
    long = "x" * LIMIT
    logs(long.encode() + b"\n", [long, "\n"], mistake=mistake)


def test_task4_the_end_of_a_stream_may_be_a_long_line() -> None:
    mistake = "at the end of a stream an entry has the same largest size"
    dots = "." * 40_000
    pieces = [dots[start : start + LIMIT] for start in range(0, len(dots), LIMIT)]
    logs(dots.encode(), pieces, end=True, mistake=mistake)
    logs(b"a\n" + dots.encode(), ["a\n", *pieces], end=True, mistake=mistake)


def test_task4_only_a_newline_ends_a_line() -> None:
    mistake = "only a newline ends a line: a progress bar draws itself with carriage returns"
    bar = "10%\r20%\r\x0b\x0c\x1c\x85\u2028done"
    logs(f"{bar}\n{bar}\r\n".encode(), [f"{bar}\n", f"{bar}\r\n"], mistake=mistake)
    logs(bar.encode(), [], bar.encode(), mistake=mistake)
    logs(bar.encode() + b"\r", [bar + "\r"], end=True, mistake=mistake)


def test_task4_a_character_is_not_cut_in_two() -> None:
    text = "x" * (LIMIT - 1) + "ü" + "x" * 100 + "\n"
    it, rows, _ = made(text.encode())
    found = "".join(row["log"] for row in rows)
    alike(it, found, text, "a cut went through a character: whole() says where one begins")
    fits(it, rows)


def test_task4_what_json_cannot_hold_is_escaped() -> None:
    logs(b'say "hi" \\ <b> \x1b[1m \x00\r\n', ['say "hi" \\ <b> \x1b[1m \x00\r\n'])
    entry = streams.entries(b"a\\nb\n", OUT)[0]
    it = Story(r"entries(b'a\\nb\n', fields): a backslash and an n, and then a newline")
    mistake = "newlines were made before backslashes were escaped"
    log = rows_of(it, entry, b"a\\nb\n")[0]["log"]
    it.check(log == "a\\nb\n", f"{entry!r}", r'{"log":"a\\nb\n", ...', mistake)


def test_task4_nothing_is_lost_however_it_arrives() -> None:
    dice = random.Random(4)
    text = b"".join(
        dice.choice([b"a\n", b"bb", b"\n", b"y" * 9000, "ü\n".encode()]) for _ in range(300)
    )
    log, waits = b"", b""
    for start in range(0, len(text), 4099):
        new, waits = streams.entries(waits + text[start : start + 4099], OUT)
        log += new
    log += streams.entries(waits, OUT, end=True)[0]
    it = Story("entries() of a long text that arrives in pieces of 4099 bytes, then the end", BY_JQ)
    rows = rows_of(it, log, text)
    alike(it, "".join(row["log"] for row in rows), text.decode())
    fits(it, rows)


TALK = {
    "long": b"2026-01-02 03:04:05 INFO a line of some length, as programs write them, number 42\n",
    "short": b"it still works\n",
}


@pytest.mark.parametrize(("lines", "times"), [("long", 1), ("short", 5)])
def test_task4_it_is_fast_enough_for_a_program_that_talks_much(lines: str, times: int) -> None:
    """What is compared takes turns, and the best of each counts: a busy machine slows both."""
    count = 65536 // len(TALK[lines])  # what one read returns
    text = TALK[lines] * count

    def line_by_line() -> None:
        for line in text.splitlines(keepends=True):
            json.dumps({"log": line.decode(), "stream": "stdout"})

    it = Story(f"entries() of {len(text)} bytes, {count} {lines} lines, some times")
    _, rows, _ = made(text)
    it.check(len(rows) == count, f"{len(rows)} entries", f"{count}")
    best = {"entries": 1e9, "lines": 1e9}
    for _ in range(12):
        for name, act in (("entries", lambda: streams.entries(text, OUT)), ("lines", line_by_line)):
            began = time.process_time()
            act()
            best[name] = min(best[name], time.process_time() - began)
    mistake = "one line at a time is too slow: many lines can be turned at once"
    it.check(
        best["entries"] * times < best["lines"],
        f"{len(text) / best['entries'] / 1e6:.0f} MB in a second",
        f"more than {times} times the {len(text) / best['lines'] / 1e6:.0f} of json.dumps, "
        "line by line",
        mistake,
    )
