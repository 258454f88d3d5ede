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
OTHER = 0x01021994  # TMPFS_MAGIC


# Task 1: open_terminal


class Devpts:
    """What the kernel is asked: paths of a container are told, its terminals are the host's."""

    def __init__(self, kind: int = streams.DEVPTS, missing: str = "", refuse: int = 0) -> None:
        self.kind, self.missing, self.refuse = kind, missing, refuse
        self.asked: dict[str, tuple[int, int]] = {}  # the path: its flags, and how to resolve it
        self.place = -1
        self.ioctl = fcntl.ioctl
        streams.syscalls.openat2 = self.openat2  # type: ignore[assignment]
        streams.syscalls.filesystem_type = lambda place: self.kind  # type: ignore[assignment]
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

    def control(self, descriptor: int, request: int, *rest: Any) -> Any:
        if request == self.refuse:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
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
        mistake = "the slave is still locked" if "Input/output" in outcome.raised.message else ""
        it.fail(f"{outcome.raised}", "a terminal", mistake)
    it.check(bool(outcome.noted), "the process ended", "it goes on")
    it.check(not outcome.value["pair"], outcome.value["pair"], "two descriptors, (master, slave)")
    leak = "the directory's descriptor stays open: one more for each terminal"
    it.check(outcome.value["left"] == 2, f"{outcome.value['left']} new descriptors", "2", leak)
    return outcome.value["after"]


def refusing(it: Story, **how: Any) -> None:
    """Open a terminal that cannot be; tell the story unless that is a TerminalError, no more."""

    def act() -> dict[str, Any]:
        Devpts(**how)
        before = descriptors()
        try:
            pair: Any = streams.open_terminal()
        except TerminalError as error:
            return {"said": str(error), "left": len(descriptors()) - len(before)}
        return {"pair": repr(pair)}

    outcome = it.run(act)
    it.check(not outcome.raised, f"{outcome.raised}", "TerminalError", "the kernel's own error got through")  # noqa: E501  # fmt: skip
    seen = outcome.value
    it.check("said" in seen, f"{seen.get('pair')}", "TerminalError", "what lies there was taken on trust")  # noqa: E501  # fmt: skip
    it.check(PLACE in seen["said"], seen["said"], f"it names {PLACE}")
    leak = "what was open when it failed stays open"
    it.check(seen["left"] == 0, f"{seen['left']} descriptors are left open", "none", leak)


WHERE = "open_terminal(), with a devpts at /dev/pts"


def test_task1_the_two_are_the_ends_of_one_terminal() -> None:
    def after(master: int, slave: int, _: Devpts) -> list[str]:
        os.write(slave, b"to the screen\n")
        screen = os.read(master, 100)
        os.write(master, b"typed\n")
        return [screen.decode(), os.read(slave, 100).decode()]

    it = Story(WHERE, "script -c tty")
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

    it = Story("open_terminal() in a process that leads a session", "setsid sh -c 'tty > /dev/tty'")
    opened(it, lambda *_: None)
    value = it.value(act)
    it.check(value, "/dev/tty is now this terminal", "the caller has none, as before", "O_NOCTTY is missing")  # noqa: E501  # fmt: skip


def test_task1_no_link_is_followed() -> None:
    it = Story(WHERE, "ln -sfn /dev/pts of the host")
    asked = opened(it, lambda _master, _slave, kernel: kernel.asked)
    for path in (PLACE, "ptmx"):
        it.check(path in asked, f"{sorted(asked)} were opened", f"{path} among them")
        resolve = asked[path][1]
        links = resolve & streams.NO_LINKS
        it.check(bool(links), f"{path} was opened with resolve={resolve:#x}", "NO_LINKS", "a link in the container leads to a terminal of the host")  # noqa: E501  # fmt: skip


def test_task1_no_mount_in_there_is_entered() -> None:
    it = Story(WHERE, "mount --bind /dev/null /dev/pts/ptmx")
    resolve = opened(it, lambda _master, _slave, kernel: kernel.asked["ptmx"][1])
    it.check(bool(resolve & streams.NO_MOUNTS), f"ptmx was opened with resolve={resolve:#x}", "NO_MOUNTS", "what is mounted over ptmx is opened in its place")  # noqa: E501  # fmt: skip


def test_task1_what_is_no_devpts_is_refused() -> None:
    refusing(Story("open_terminal(), with a tmpfs at /dev/pts"), kind=OTHER)


def test_task1_a_place_that_is_missing_is_an_error_of_the_engine() -> None:
    refusing(Story("open_terminal(), without a /dev/pts"), missing=PLACE)


def test_task1_a_devpts_without_ptmx_is_an_error_of_the_engine() -> None:
    refusing(Story("open_terminal(), with a /dev/pts that has no ptmx"), missing="ptmx")


def test_task1_a_slave_that_cannot_be_opened_leaves_no_master() -> None:
    it = Story("open_terminal(), and the kernel refuses TIOCGPTPEER")
    refusing(it, refuse=streams.TIOCGPTPEER)


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
        "open_terminal() twice, in a new devpts", "mount -t devpts -o newinstance devpts DIR"
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


# Task 2: take_terminal


def _take(note: int, act: Callable[[int, int], Any], leader: bool, low: bool) -> None:
    """In a child: make a terminal, take it, and write down what came of that."""
    if leader:
        os.setsid()
    master, slave = os.openpty()
    if low:
        os.dup2(slave, 1)
        os.close(slave)
        slave = 1
    told: dict[str, Any] = {"raised": ""}
    try:
        streams.take_terminal(slave)
        told["value"] = act(master, slave)
    except BaseException as error:
        told["raised"] = f"{type(error).__name__}: {error}"
    os.write(note, json.dumps(told).encode())


def taking(
    it: Story, act: Callable[[int, int], Any], leader: bool = True, low: bool = False
) -> Any:
    """Take a terminal in a child that leads a session; return what *act* finds out there."""

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


def took(it: Story, act: Callable[[int, int], Any], low: bool = False) -> Any:
    told = taking(it, act, low=low)
    it.check(not told["raised"], told["raised"], "no exception")
    return told["value"]


TAKE = "take_terminal(a slave) in a process that leads a session"


def test_task2_the_three_streams_are_the_terminal() -> None:
    def act(_master: int, _slave: int) -> list[str]:
        return [os.ttyname(stream) if os.isatty(stream) else "no terminal" for stream in (0, 1, 2)]

    it = Story(TAKE, "script -c 'tty; ls -l /proc/self/fd'")
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

    it = Story(TAKE, "script -c 'echo hello > /dev/tty'")
    seen = took(it, act)
    it.check(seen == "hello", f"/dev/tty: {seen}", "what is written there comes out of the master", "the terminal is open, and nobody's controlling terminal: TIOCSCTTY is missing")  # noqa: E501  # fmt: skip


def test_task2_ctrl_c_becomes_a_signal() -> None:
    def act(master: int, _slave: int) -> bool:
        heard: list[int] = []
        signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        os.write(master, b"\x03")
        return experiment.until(lambda: bool(heard), 1)

    it = Story(f"{TAKE}; then Ctrl-C is typed", "script, then Ctrl-C")
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


def test_task2_a_slave_that_is_a_stream_stays_open() -> None:
    def act(_master: int, slave: int) -> list[bool]:
        return [os.isatty(stream) for stream in (0, slave, 2)]

    it = Story("take_terminal(1), where descriptor 1 is the slave")
    told = taking(it, act, low=True)
    it.check(told["raised"] == "", told["raised"], "no exception")
    good = told["value"] == [True, True, True]
    it.check(good, f"terminals at 0, 1, 2: {told['value']}", "all three", "it closed what had become a stream")  # noqa: E501  # fmt: skip


def test_task2_what_the_kernel_refuses_is_an_error_of_the_engine() -> None:
    it = Story("take_terminal(a slave) in a process that leads no session", "script -c 'exec 0<&-'")
    told = taking(it, lambda *_: None, leader=False)
    seen = told["raised"] or "no exception"
    expected = "TerminalError: cannot take the terminal: Operation not permitted"
    it.check(seen.startswith("TerminalError"), seen, expected, "the kernel's own error got through" if told["raised"] else "")  # noqa: E501  # fmt: skip
    it.check("cannot take the terminal" in seen, seen, expected)


# Task 3: Keys.feed

DETACH = b"\x10\x11"  # ctrl-p, ctrl-q


def typing(sequence: bytes, parts: list[bytes]) -> tuple[Story, list[Any], Any]:
    """Feed *parts* to new Keys; return the answers, up to the one that detaches."""
    it = Story(f"Keys({sequence!r}); feed() of {parts}", "docker attach, and type")
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

OUT = b'"stream":"stdout","time":"2026-01-02T03:04:05Z"'
LIMIT = streams.LONGEST


def made(text: bytes, end: bool = False) -> tuple[Story, list[dict[str, Any]], bytes]:
    """Make the entries of *text*; return them as JSON sees them, and what waits."""
    short = f"{text[:40]!r}{f'... ({len(text)} bytes)' if len(text) > 40 else ''}"
    it = Story(
        f"entries({short}, fields, end={end})", "tail FILE of docker inspect -f {{.LogPath}}"
    )
    answer = streams.entries(text, OUT, end)
    good = isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[0], bytes)
    it.check(good, f"{answer!r}", "two byte strings: the entries, and what has to wait")
    made, waits = answer
    rows = []
    *lines, rest = made.split(b"\n")
    it.check(rest == b"", f"{rest[-40:]!r} at the end", "each entry ends in a newline")
    for line in lines:
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            it.fail(f"{line[:80]!r}: {error}", "a JSON object on each line", "the text was not escaped: quotes and backslashes break the record")  # noqa: E501  # fmt: skip
    return it, rows, waits


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
    it.check(
        whole == "x" * (3 * LIMIT) + "\n", "another text when put together", "the line", mistake
    )


def test_task4_a_line_that_just_fits_is_not_cut() -> None:
    fits = "x" * (LIMIT - 1) + "\n"
    logs(fits.encode(), [fits], mistake="the newline counts: a line of LONGEST bytes is one entry")
    waits = b"x" * LIMIT
    logs(waits, [], waits, mistake="LONGEST bytes may still get their newline: only more are cut")


def test_task4_a_character_is_not_cut_in_two() -> None:
    text = "x" * (LIMIT - 1) + "ü" + "x" * 100 + "\n"
    it, rows, _ = made(text.encode())
    found = "".join(row["log"] for row in rows)
    it.check(found == text, "the ü has become something else", "the line", "a cut went through a character: whole() says where one begins")  # noqa: E501  # fmt: skip


def test_task4_what_json_cannot_hold_is_escaped() -> None:
    logs(b'say "hi" \\ <b> \x1b[1m \x00\r\n', ['say "hi" \\ <b> \x1b[1m \x00\r\n'])
    entry = streams.entries(b"a\\nb\n", OUT)[0]
    it = Story(r"entries(b'a\\nb\n', fields): a backslash and an n, and then a newline")
    mistake = "newlines were made before backslashes were escaped"
    it.check(json.loads(entry)["log"] == "a\\nb\n", f"{entry!r}", r'{"log":"a\\nb\n", ...', mistake)


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
    found = "".join(json.loads(line)["log"] for line in log.split(b"\n")[:-1])
    it = Story("entries() of a long text that arrives in pieces of 4099 bytes, then the end")
    it.check(
        found == text.decode(), "another text when put together", "the text, whole and in order"
    )


def test_task4_it_is_fast_enough_for_a_program_that_talks_much() -> None:
    text = (
        b"2026-01-02 03:04:05 INFO a line of some length, as programs write them, number 42\n" * 800
    )
    began = time.process_time()
    for _ in range(50):
        log, _ = streams.entries(text, OUT)
    spent = time.process_time() - began
    began = time.process_time()
    for _ in range(50):
        for line in text.splitlines(keepends=True):
            json.dumps({"log": line.decode(), "stream": "stdout"})
    line_by_line = time.process_time() - began
    it = Story(f"entries() of {len(text) // 1000} kB, fifty times")
    it.check(log.count(b"\n") == 800, f"{log.count(bytes(10))} entries", "800")
    mistake = "one line at a time is too slow: many lines can be turned at once"
    it.check(
        spent < line_by_line,
        f"{len(text) * 50 / spent / 1e6:.0f} MB in a second",
        f"more than the {len(text) * 50 / line_by_line / 1e6:.0f} of json.dumps, line by line",
        mistake,
    )
