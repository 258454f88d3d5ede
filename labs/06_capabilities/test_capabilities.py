"""Lab 6: capabilities.

    lab check 6              every task
    lab check 6 -k task1     one task

Every test calls the function in a process of its own. The tests of the real kernel
compare with what /proc and util-linux's setpriv say.
"""

from __future__ import annotations

import errno
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import capabilities
import pytest

from course import pretend_capabilities
from course.pretend_capabilities import ADDED, BOX, GONE, LIARS, MINE, Kernel
from course.story import Story
from mini_docker import syscalls
from mini_docker.capabilities_names import BIT, DEFAULT, EVERYTHING, NAMES, names
from mini_docker.errors import KernelError, UsageError

FIELDS = {"CapInh": "inheritable", "CapPrm": "permitted", "CapEff": "effective"}
FIELDS |= {"CapBnd": "bounding", "CapAmb": "ambient"}
FOURTEEN = sum(BIT[name] for name in DEFAULT)
CHOWN, KILL, NET_ADMIN, SYS_TIME = (
    BIT[f"CAP_{name}"] for name in ("CHOWN", "KILL", "NET_ADMIN", "SYS_TIME")
)
BARE = "the kernel's own error came through: catch OSError and raise KernelError from it"


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """A pretend kernel: the caller, who has everything, and process 4321 with other sets."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="pretend-proc-", dir=memory) as folder:
        yield Kernel(Path(folder))


def see(story: Story, call: Callable[[], Any], kernel: Kernel | None = None) -> dict[str, Any]:
    """Make *call* in a process of its own; return what it gave and what *kernel* holds then."""

    def work() -> dict[str, Any]:
        if kernel:
            pretend_capabilities.install(kernel)
        seen: dict[str, Any] = {"value": None, "error": "", "message": "", "fits": False}
        try:
            seen["value"] = call()
        except NotImplementedError:
            raise
        except Exception as error:
            seen |= {"error": type(error).__name__, "message": str(error)}
            seen |= {"fits": isinstance(error, KernelError), "os": isinstance(error, OSError)}
            seen |= {"usage": isinstance(error, UsageError)}
        if kernel:
            seen |= kernel.sets() | {"no_new": kernel.no_new_privileges}
            seen |= {"dropped": kernel.dropped}
            seen |= {"root": kernel.exec(root=True), "user": kernel.exec(root=False)}
        return seen

    return dict(story.value(work))


def given(story: Story, call: Callable[[], Any], kernel: Kernel | None = None) -> dict[str, Any]:
    """As see(), for a call that has no reason to fail."""
    seen = see(story, call, kernel)
    saw = f"{seen['error']}: {seen['message']}"
    story.check(not seen["error"], saw, "no exception: nothing was refused")
    return seen


def refused(
    story: Story, call: Callable[[], Any], kernel: Kernel | None, *words: str, mistake: str = ""
) -> dict[str, Any]:
    """As see(), for a call that must raise KernelError with *words* in its message."""
    seen = see(story, call, kernel)
    expected = f"KernelError, with {' and '.join(map(repr, words))} in its message"
    saw = f"{seen['error']}: {seen['message']}" if seen["error"] else f"it gave {seen['value']!r}"
    if not seen["error"]:
        story.fail(saw, expected, mistake or "the refusal was swallowed, and nobody hears of it")
    story.check(seen["fits"], saw, expected, BARE if seen["os"] else "")
    for word in words:
        story.check(word in seen["message"], saw, expected, f"the message leaves out {word!r}")
    return seen


def show(bits: Any) -> str:
    """Return *bits* as a reader knows them: the number in /proc, and names if they are few."""
    if type(bits) is not int:
        return repr(bits)
    if bits < 0:
        return f"the negative number {bits}"
    found = names(bits)
    listed = ", ".join(found) if len(found) <= 4 else f"{len(found)} capabilities"
    return f"{bits:016x} ({listed or 'none'})"


def difference(seen: int, wanted: int) -> str:
    """Say how the set *seen* differs from *wanted*."""
    more, less = names(seen & ~wanted), names(wanted & ~seen)
    parts = [f"too much: {', '.join(more[:5])}"] * bool(more)
    parts += [f"missing: {', '.join(less[:5])}"] * bool(less)
    return f"{show(seen)}; {'; '.join(parts)}" if parts else show(seen)


# Task 1: sets


def read(story: Story, kernel: Kernel | None, pid: int | str = BOX) -> dict[str, Any]:
    value = given(story, lambda: capabilities.sets(pid), kernel)["value"]
    wanted = "a dictionary with a number for each of the five sets"
    story.check(isinstance(value, dict) and bool(value), f"it gave {value!r}", wanted)
    return dict(value)


def of_box() -> Story:
    return Story(f"sets({BOX})", f"grep Cap /proc/{BOX}/status, with a PID of yours")


def test_task1_all_five_sets_are_there_under_their_names(kernel: Kernel) -> None:
    story, wanted = of_box(), sorted(FIELDS.values())
    seen = sorted(map(str, read(story, kernel)))
    missing = [name for name in wanted if name not in seen]
    fields = "the kernel's short field names were kept; SETS has the set's name for each"
    mistake = fields if set(seen) & FIELDS.keys() else ""
    story.check(not missing, f"the keys are {', '.join(seen)}", ", ".join(wanted), mistake)


def test_task1_no_other_line_is_a_set(kernel: Kernel) -> None:
    story = of_box()
    more = sorted(read(story, kernel).keys() - FIELDS.values())
    story.check(not more, f"there are keys {', '.join(map(str, more))} too", "the five sets alone")


def test_task1_the_numbers_are_in_base_16(kernel: Kernel) -> None:
    story = of_box()
    seen = read(story, kernel).get("effective")
    mistakes = {
        10: "the number was read in base 10; /proc prints sets in base 16, without 0x",
        "0" * 14 + "10": "the text was kept: bits of a text can be neither asked for nor joined",
    }
    wanted = "16: the line reads CapEff: 0000000000000010, bit 4 is CAP_FSETID"
    text = seen.strip() if isinstance(seen, str) else seen
    story.check(seen == 16, f"the effective set is {seen!r}", wanted, mistakes.get(text, ""))


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_task1_no_set_is_taken_for_another(kernel: Kernel, field: str) -> None:
    story = of_box()
    found, name = read(story, kernel), FIELDS[field]
    own = "a process named itself `box CapBnd: 77`: only the beginning of a line is a field"
    mistake = own if field == "CapBnd" and found.get(name) == 0x77 else ""
    other = [FIELDS[it] for it, bits in ADDED.items() if bits == found.get(name) and it != field]
    mistake = mistake or (f"this is the {other[0]} set" if other else "")
    seen = f"{name}: {show(found.get(name))}"
    story.check(found.get(name) == ADDED[field], seen, f"{ADDED[field]:016x}, {field}", mistake)


@pytest.mark.parametrize("pid", LIARS)
def test_task1_a_process_may_call_itself_what_it_likes(kernel: Kernel, pid: int) -> None:
    name = LIARS[pid]
    shown = str(name)[2:-1]
    story = Story(f"sets({pid}), where the first row of the file is `Name: {shown}`")
    story.hand = f"printf '{shown}' >/proc/$$/comm; cat /proc/$$/status"
    seen = see(story, lambda: capabilities.sets(pid), kernel)
    mistake = "a row was searched for a field's name: only what its first colon ends is a field"
    if not name.isascii():
        mistake = "a name may have bytes that are no UTF-8: open() takes errors='replace'"
    story.check(not seen["error"], f"{seen['error']}: {seen['message']}", "five sets", mistake)
    wanted = {FIELDS[field]: bits for field, bits in ADDED.items()}
    story.check(seen["value"] == wanted, f"it gave {seen['value']}", f"{wanted}", mistake)


def test_task1_the_process_that_is_asked_about_is_read(kernel: Kernel) -> None:
    story = of_box()
    seen = read(story, kernel).get("permitted")
    own = "the caller's /proc/self/status was read, whatever the pid"
    mistake = own if seen == MINE["CapPrm"] else ""
    story.check(seen == ADDED["CapPrm"], show(seen), show(ADDED["CapPrm"]), mistake)


def test_task1_self_is_the_caller(kernel: Kernel) -> None:
    story = Story('sets("self")', "grep Cap /proc/self/status")
    seen = read(story, kernel, "self")
    wanted = {FIELDS[field]: bits for field, bits in MINE.items()}
    story.check(seen == wanted, f"it gave {seen}", f"{wanted}")


def test_task1_a_process_that_has_ended_is_an_error_that_names_it(kernel: Kernel) -> None:
    story = Story(f"sets({GONE}), a process that has ended", "grep Cap /proc/99999999/status")
    empty = "no process looks like a process without capabilities"
    words = ("cannot read the capabilities of process", str(GONE), "No such file")
    refused(story, lambda: capabilities.sets(GONE), kernel, *words, mistake=empty)


@pytest.mark.root
def test_task1_a_real_process_is_read_as_proc_shows_it() -> None:
    flags = ["--inh-caps", "+chown,+kill", "--ambient-caps", "+kill", "--bounding-set", "-net_raw"]
    story = Story(f"sets(PID) of `setpriv {' '.join(flags)} sleep 60`", "getpcaps PID")
    with started(["setpriv", *flags, "sleep", "60"]) as pid:
        found = read(story, None, pid)
        rows = witness(str(pid))
    wanted = {FIELDS[field]: bits for field, bits in rows.items()}
    story.check(found == wanted, f"it gave {found}", f"{wanted}, as /proc/{pid}/status shows")


# Task 2: compute


def computed(
    add: list[str], drop: list[str], privileged: bool = False, bounding: int = EVERYTHING
) -> tuple[Story, int]:
    """Return the story of compute() with these, and what it gave: a set."""
    flags = [f"--cap-add {it}" for it in add] + [f"--cap-drop {it}" for it in drop]
    flags += ["--privileged"] * privileged
    ceiling = "EVERYTHING" if bounding == EVERYTHING else f"{bounding:#x}"
    did = f"compute({add}, {drop}, {privileged}, {ceiling})"
    line = f"mini-docker run --rm {' '.join(flags)} busybox grep CapBnd /proc/self/status"
    story = Story(did, " ".join(line.split()))
    value = given(story, lambda: capabilities.compute(add, drop, privileged, bounding))["value"]
    story.check(type(value) is int, f"it gave {value!r}", "a set: an int")
    story.check(value >= 0, show(value), "a set is no negative number: no bit above the ceiling")
    return story, value


def gives(
    story: Story, seen: int, wanted: int, rule: str, mistakes: dict[int, str] | None = None
) -> None:
    mistake = (mistakes or {}).get(seen, "")
    story.check(seen == wanted, difference(seen, wanted), f"{show(wanted)}: {rule}", mistake)


def test_task2_by_default_it_is_docker_s_fourteen() -> None:
    story, seen = computed([], [])
    everything = "a container without flags got every capability that there is"
    gives(story, seen, FOURTEEN, "DEFAULT", {EVERYTHING: everything, 0: "nothing at all"})


def test_task2_an_added_one_comes_on_top() -> None:
    story, seen = computed(["CAP_NET_ADMIN"], [])
    alone = {NET_ADMIN: "what was added took the place of the default"}
    gives(story, seen, FOURTEEN | NET_ADMIN, "DEFAULT and what is added", alone)


def test_task2_a_dropped_one_is_out() -> None:
    story, seen = computed([], ["CAP_CHOWN", "CAP_KILL"])
    gives(story, seen, FOURTEEN & ~CHOWN & ~KILL, "DEFAULT without what is dropped")


def test_task2_dropping_what_is_not_in_adds_nothing() -> None:
    story, seen = computed([], ["CAP_NET_ADMIN"])
    toggled = {FOURTEEN ^ NET_ADMIN: "`^` puts in what was not there; `& ~` only takes out"}
    gives(story, seen, FOURTEEN, "it was not in, so nothing changes", toggled)


def test_task2_adding_what_is_in_already_changes_nothing() -> None:
    story, seen = computed(["CAP_CHOWN"], [])
    plus = {FOURTEEN + CHOWN: "sets were joined by +: a bit that is in twice becomes another bit"}
    gives(story, seen, FOURTEEN, "it was in already", plus)


def test_task2_a_name_in_both_lists_is_in() -> None:
    story, seen = computed(["CAP_NET_ADMIN", "CAP_CHOWN"], ["CAP_NET_ADMIN", "CAP_CHOWN"])
    late = "dropping came after adding: a name in both lists is in, as Docker has it"
    mistakes = {FOURTEEN & ~CHOWN: late}
    gives(story, seen, FOURTEEN | NET_ADMIN, "first drop, then add", mistakes)


@pytest.mark.parametrize("name", ["NET_ADMIN", "net_admin", "cap_net_admin", "Cap_Net_Admin"])
def test_task2_names_have_many_forms(name: str) -> None:
    story, seen = computed([name], [name.swapcase()])
    gives(story, seen, FOURTEEN | NET_ADMIN, "canonical() makes one form of all")


@pytest.mark.parametrize("word", ["ALL", "all"])
def test_task2_all_can_be_added(word: str) -> None:
    story, seen = computed([word], [])
    gives(story, seen, EVERYTHING, "every capability")


def test_task2_all_but_what_is_dropped() -> None:
    story, seen = computed(["ALL"], ["chown", "SYS_TIME"])
    mistakes = {EVERYTHING: "with ALL added, what was dropped came back"}
    gives(story, seen, EVERYTHING & ~CHOWN & ~SYS_TIME, "rule 2", mistakes)


@pytest.mark.parametrize("word", ["ALL", "all"])
def test_task2_all_can_be_dropped(word: str) -> None:
    story, seen = computed([], [word])
    gives(story, seen, 0, "nothing is left")


def test_task2_all_dropped_and_some_added() -> None:
    story, seen = computed(["CHOWN", "net_admin"], ["ALL"])
    mistakes = {0: "what was added is gone: --cap-drop ALL --cap-add CHOWN is how one gives little"}
    gives(story, seen, CHOWN | NET_ADMIN, "rule 3: what is added, and nothing else", mistakes)


def test_task2_with_all_dropped_another_name_there_changes_nothing() -> None:
    story, seen = computed(["CHOWN"], ["ALL", "CHOWN"])
    gives(story, seen, CHOWN, "rule 3 does not look at the other names that are dropped")


def test_task2_all_in_both_lists_is_everything() -> None:
    story, seen = computed(["ALL"], ["ALL"])
    mistakes = {0: "ALL in both lists left nothing; rule 2 comes first, as in Docker"}
    gives(story, seen, EVERYTHING, "rule 2, in which a dropped ALL has no effect", mistakes)


def test_task2_privileged_is_everything() -> None:
    story, seen = computed([], [], privileged=True)
    gives(story, seen, EVERYTHING, "rule 1", {FOURTEEN: "privileged changed nothing"})


@pytest.mark.parametrize("drop", [["CHOWN"], ["ALL"]])
def test_task2_privileged_drops_nothing(drop: list[str]) -> None:
    story, seen = computed([], drop, privileged=True)
    listened = {EVERYTHING & ~CHOWN: 1, 0: 1, FOURTEEN: 1, FOURTEEN & ~CHOWN: 1}
    text = "a privileged container was given less: Docker ignores --cap-drop there"
    gives(story, seen, EVERYTHING, "rule 1 comes first", dict.fromkeys(listened, text))


LIMITED = [
    ([], [], False, FOURTEEN),
    (["SYS_TIME"], [], False, FOURTEEN | SYS_TIME),
    (["ALL"], [], False, EVERYTHING),
    (["SYS_TIME", "KILL"], ["ALL"], False, SYS_TIME | KILL),
    ([], [], True, EVERYTHING),
]


@pytest.mark.parametrize(("add", "drop", "privileged", "wanted"), LIMITED)
def test_task2_nobody_gives_what_he_does_not_have(
    add: list[str], drop: list[str], privileged: bool, wanted: int
) -> None:
    ceiling = EVERYTHING & ~SYS_TIME & ~CHOWN
    story, seen = computed(add, drop, privileged, ceiling)
    beyond = "the set holds what the engine itself does not have: the bounding set was not asked"
    mistakes = {wanted: beyond} if wanted != wanted & ceiling else {}
    gives(story, seen, wanted & ceiling, "within the bounding set", mistakes)


def test_task2_a_full_bounding_set_gives_nobody_more() -> None:
    story, seen = computed([], [], bounding=(1 << 64) - 1)
    joined = {(1 << 64) - 1: "the bounding set was joined to the rest: it is a limit, not a gift"}
    gives(story, seen, FOURTEEN, "DEFAULT, whatever else the engine has", joined)


@pytest.mark.parametrize(
    ("add", "drop", "privileged"),
    [
        (["x_y"], [], False),
        ([], ["x_y"], False),
        (["ALL"], ["x_y"], False),
        (["x_y"], ["ALL"], False),
        ([], ["ALL", "x_y"], False),
        ([], ["x_y"], True),
    ],
)
def test_task2_an_unknown_name_is_refused_under_every_rule(
    add: list[str], drop: list[str], privileged: bool
) -> None:
    story = Story(f"compute({add}, {drop}, {privileged}, EVERYTHING)")
    seen = see(story, lambda: capabilities.compute(add, drop, privileged, EVERYTHING))
    saw = f"{seen['error']}: {seen['message']}" if seen["error"] else show(seen["value"])
    ignored = "a name that does not exist was ignored: whoever misspells what he drops keeps it"
    expected = "UsageError, from canonical()"
    mistake = ignored if not seen["error"] else ""
    story.check(bool(seen["error"] and seen["usage"]), saw, expected, mistake)
    story.check("CAP_X_Y" in seen["message"], saw, "canonical()'s message, with the name")


def test_task2_one_container_does_not_change_the_next() -> None:
    story = Story("compute(['NET_ADMIN'], ['CHOWN'], False, EVERYTHING), then compute([], [], ...)")

    def twice() -> Any:
        capabilities.compute(["NET_ADMIN"], ["CHOWN"], False, EVERYTHING)
        return capabilities.compute([], [], False, EVERYTHING)

    seen = given(story, twice)["value"]
    story.check(type(seen) is int, f"the second gave {seen!r}", show(FOURTEEN))
    text = "DEFAULT itself was changed: the next container inherits this one's flags"
    gives(story, seen, FOURTEEN, "DEFAULT, as if nothing had been", {seen: text})


# Task 3: bound


def bounded(kernel: Kernel, wanted: int) -> tuple[Story, dict[str, Any]]:
    story = Story(
        f"bound({wanted:#x}), which is {show(wanted)}, with {kernel.last + 1} capabilities",
        "capsh --drop=cap_net_raw -- -c 'grep CapBnd /proc/self/status'",
    )
    return story, see(story, lambda: capabilities.bound(wanted), kernel)


def ended(story: Story, seen: dict[str, Any], mistake: str = "") -> None:
    story.check(not seen["error"], f"{seen['error']}: {seen['message']}", "no exception", mistake)


def past_the_end(seen: dict[str, Any]) -> str:
    """Return the mistake if EINVAL, which ends the row of numbers, was taken for a failure."""
    last = seen["error"] and seen["dropped"][-1:] > [40]
    return LAST if last else ""


LAST = "EINVAL means that this kernel's capabilities end here: it is no failure"
INVERTED = "the wanted ones were dropped, and the others kept"
SHIFTED = "prctl takes the capability's number, such as 13, not its bit"


@pytest.mark.parametrize("wanted", [FOURTEEN, CHOWN, 0])
def test_task3_what_is_not_wanted_is_out_of_the_bounding_set(kernel: Kernel, wanted: int) -> None:
    story, seen = bounded(kernel, wanted)
    wrong = (
        SHIFTED if seen["dropped"][:1] in ([1], [2], [4]) and seen["dropped"][1:2] != [2] else ""
    )
    if seen["dropped"] and seen["dropped"][0] and 1 << seen["dropped"][0] & wanted:
        wrong = INVERTED
    stopped = "the row ended early: each capability is a call of its own"
    ended(story, seen, past_the_end(seen))
    left = difference(seen["bounding"], wanted)
    few = 0 < len(seen["dropped"]) < 27
    mistake = wrong or (stopped if few else "")
    story.check(not seen["bounding"] & ~wanted, left, f"at most {show(wanted)}", mistake)


@pytest.mark.parametrize("wanted", [FOURTEEN, CHOWN, EVERYTHING])
def test_task3_what_is_wanted_stays(kernel: Kernel, wanted: int) -> None:
    story, seen = bounded(kernel, wanted)
    ended(story, seen, past_the_end(seen))
    gone = wanted & ~seen["bounding"]
    mistake = INVERTED if gone == wanted else ""
    names_only = "the row ended with NAMES: a newer kernel has more, so try up to MOST"
    story.check(
        bool(seen["dropped"]),
        "nothing was dropped, not even tried",
        "numbers up to EINVAL",
        names_only if wanted == EVERYTHING else "",
    )
    story.check(not gone, difference(seen["bounding"], wanted), "all of these stay", mistake)


def test_task3_a_kernel_with_more_capabilities_keeps_none_of_them(kernel: Kernel) -> None:
    kernel.last, kernel.bounding = 43, (1 << 44) - 1
    kernel.permitted = kernel.effective = kernel.bounding
    story, seen = bounded(kernel, FOURTEEN)
    ended(story, seen)
    left = [number for number in range(41, 44) if seen["bounding"] >> number & 1]
    newer = (
        "the row ended with NAMES; a capability that NAMES does not have yet stays in: a container "
        "with tomorrow's rights"
    )
    expected = "the row goes on to the first EINVAL"
    story.check(not left, f"still in: {', '.join(map(str, left))}", expected, newer)
    story.check(seen["bounding"] == FOURTEEN, difference(seen["bounding"], FOURTEEN), "no more")


def test_task3_a_kernel_with_fewer_capabilities_is_no_error(kernel: Kernel) -> None:
    kernel.last, kernel.bounding = 37, (1 << 38) - 1
    kernel.permitted = kernel.effective = kernel.bounding
    story, seen = bounded(kernel, FOURTEEN)
    ended(story, seen, LAST)
    story.check(seen["bounding"] == FOURTEEN, difference(seen["bounding"], FOURTEEN), "no more")


def test_task3_what_is_out_already_is_no_error(kernel: Kernel) -> None:
    kernel.bounding = EVERYTHING & ~SYS_TIME & ~KILL
    story, seen = bounded(kernel, FOURTEEN)
    ended(story, seen)
    wanted = FOURTEEN & ~KILL
    story.check(seen["bounding"] == wanted, difference(seen["bounding"], wanted), show(wanted))


def test_task3_the_other_sets_stay_as_they_are(kernel: Kernel) -> None:
    story, seen = bounded(kernel, CHOWN)
    ended(story, seen)
    story.check(seen["bounding"] == CHOWN, difference(seen["bounding"], CHOWN), show(CHOWN))
    both = seen["permitted"] == seen["effective"] == EVERYTHING
    early = (
        "the caller gave up its own capabilities: it has to change its user first, which takes them"
    )
    saw = f"permitted {show(seen['permitted'])}, effective {show(seen['effective'])}"
    story.check(both, saw, "permitted and effective as before", early)


def test_task3_without_setpcap_it_is_an_error_that_names_the_capability(kernel: Kernel) -> None:
    kernel.effective &= ~BIT["CAP_SETPCAP"]
    story = Story(
        "bound(CAP_CHOWN) by a caller without CAP_SETPCAP", "capsh --drop=cap_kill, as user"
    )
    words = ("cannot drop", NAMES[1], "not permitted")
    quiet = "nothing was dropped and nobody was told: the container keeps every right of root"
    refused(story, lambda: capabilities.bound(CHOWN), kernel, *words, mistake=quiet)


@pytest.mark.root
def test_task3_a_real_exec_gives_root_no_more_than_that() -> None:
    wanted = CHOWN | KILL
    story = Story(f"bound({wanted:#x}), then exec of cat", "capsh --drop=... -- -c 'grep Cap ...'")
    rows = after_exec(story, lambda: capabilities.bound(wanted))
    for field in ("CapBnd", "CapPrm", "CapEff"):
        story.check(
            rows[field] == wanted, f"{field} {difference(rows[field], wanted)}", show(wanted)
        )


# Task 4: apply


def applied(
    kernel: Kernel, wanted: int, root: bool = True, **more: bool
) -> tuple[Story, dict[str, Any]]:
    extra = "".join(f", {name}={value}" for name, value in more.items())
    did = f"apply({wanted:#x}, root={root}{extra}); {wanted:#x} is {show(wanted)}"
    story = Story(did, "grep Cap /proc/self/status")
    seen = see(story, lambda: capabilities.apply(wanted, root, **more), kernel)
    refusal = "the kernel refuses to add to the permitted set: take from `wanted` what is not in it"
    mistake = refusal if "not permitted" in seen["message"] and wanted & ~kernel.permitted else ""
    ended(story, seen, mistake)
    return story, seen


def holds(story: Story, seen: dict[str, Any], wanted: int, *which: str, mistake: str = "") -> None:
    for name in which:
        saw = f"the {name} set is {difference(seen[name], wanted)}"
        story.check(seen[name] == wanted, saw, show(wanted), mistake)


def test_task4_root_is_permitted_what_is_wanted(kernel: Kernel) -> None:
    story, seen = applied(kernel, FOURTEEN)
    kept = "the permitted set was left as it was: what is not effective can be made effective again"
    mistake = kept if seen["permitted"] == EVERYTHING else ""
    holds(story, seen, FOURTEEN, "permitted", mistake=mistake)


def test_task4_and_may_use_it_at_once(kernel: Kernel) -> None:
    story, seen = applied(kernel, FOURTEEN)
    order = "an empty effective set: capset takes effective, permitted, inheritable, in this order"
    holds(story, seen, FOURTEEN, "effective", mistake=order if not seen["effective"] else "")


def test_task4_what_the_caller_lacks_is_left_out(kernel: Kernel) -> None:
    kernel.permitted = kernel.effective = EVERYTHING & ~SYS_TIME
    story, seen = applied(kernel, FOURTEEN | SYS_TIME)
    holds(story, seen, FOURTEEN, "permitted", "effective")


def test_task4_what_is_permitted_counts_and_not_what_is_effective(kernel: Kernel) -> None:
    kernel.effective = 0  # as after a change of user, with PR_SET_KEEPCAPS
    story, seen = applied(kernel, FOURTEEN)
    other = "capget() gives effective, permitted, inheritable: the first was asked, not the second"
    mistake = other if not seen["permitted"] else ""
    holds(story, seen, FOURTEEN, "permitted", "effective", mistake=mistake)


def test_task4_nothing_is_inheritable(kernel: Kernel) -> None:
    kernel.inheritable = FOURTEEN
    story, seen = applied(kernel, FOURTEEN)
    old = "as Docker had it until CVE-2022-24769: a file's inheritable capabilities then count"
    holds(story, seen, 0, "inheritable", mistake=old)


def test_task4_nothing_is_ambient(kernel: Kernel) -> None:
    kernel.inheritable = kernel.ambient = CHOWN | KILL
    story, seen = applied(kernel, FOURTEEN)
    holds(story, seen, 0, "ambient")


@pytest.mark.parametrize("wanted", [FOURTEEN, EVERYTHING])
def test_task4_another_user_has_nothing(kernel: Kernel, wanted: int) -> None:
    kernel.inheritable = kernel.ambient = CHOWN | KILL
    story, seen = applied(kernel, wanted, root=False)
    kept = "an ordinary user kept root's capabilities over the change of user"
    mistake = kept if seen["permitted"] else ""
    holds(story, seen, 0, "permitted", "effective", "inheritable", "ambient", mistake=mistake)


def test_task4_the_bounding_set_stays_as_it_is(kernel: Kernel) -> None:
    kernel.bounding = FOURTEEN | NET_ADMIN
    story, seen = applied(kernel, CHOWN)
    holds(story, seen, CHOWN, "permitted")
    holds(story, seen, FOURTEEN | NET_ADMIN, "bounding", mistake="that is bound's task")


def test_task4_no_new_privileges_if_asked_for(kernel: Kernel) -> None:
    story, seen = applied(kernel, FOURTEEN, no_new_privileges=True)
    unset = "PR_SET_NO_NEW_PRIVS takes the argument 1"
    story.check(seen["no_new"], "no_new_privs is not set", "it is set", unset)
    holds(story, seen, FOURTEEN, "permitted", "effective")


def test_task4_no_new_privileges_only_if_asked_for(kernel: Kernel) -> None:
    story, seen = applied(kernel, FOURTEEN)
    holds(story, seen, FOURTEEN, "permitted")
    always = "su, sudo and ping stop working in every container, asked for or not"
    story.check(not seen["no_new"], "no_new_privs is set", "it is not: nobody asked", always)


def test_task4_an_ordinary_user_can_have_no_new_privileges_too(kernel: Kernel) -> None:
    story, seen = applied(kernel, FOURTEEN, root=False, no_new_privileges=True)
    early = "returned before it was set: it is ordinary users whom a setuid program makes root"
    story.check(seen["no_new"], "no_new_privs is not set", "it is set, also for a user", early)


@pytest.mark.parametrize("what", ["capset", "capget"])
def test_task4_a_refusal_is_an_error_that_says_why(kernel: Kernel, what: str) -> None:
    kernel.refusals[what] = errno.EPERM
    story = Story(f"apply({FOURTEEN:#x}, root=True); the kernel answers {what} with EPERM")
    words = ("cannot set the capabilities", "not permitted")
    refused(story, lambda: capabilities.apply(FOURTEEN, True), kernel, *words)


def test_task4_a_refused_no_new_privileges_is_an_error_too(kernel: Kernel) -> None:
    kernel.refusals[syscalls.PR_SET_NO_NEW_PRIVS] = errno.EINVAL
    story = Story("apply(0, root=True, no_new_privileges=True); the kernel answers EINVAL")
    call = lambda: capabilities.apply(0, True, True)  # noqa: E731
    refused(story, call, kernel, "cannot set the capabilities", "Invalid argument")


@pytest.mark.root
def test_task4_a_real_root_has_it_before_exec() -> None:
    story = Story("apply(CAP_CHOWN | CAP_KILL, root=True)", "grep Cap /proc/self/status")

    def act() -> Any:
        capabilities.apply(CHOWN | KILL, True)
        return witness("thread-self")

    rows = given(story, act)["value"]
    seen = {FIELDS[field]: bits for field, bits in rows.items()}
    holds(story, seen, CHOWN | KILL, "permitted", "effective")
    holds(story, seen, 0, "inheritable", "ambient")


@pytest.mark.root
def test_task4_a_real_ambient_set_is_emptied() -> None:
    story = Story("apply(CAP_KILL, root=True) where CAP_CHOWN is inheritable and ambient")

    def act() -> Any:
        effective, permitted, _ = syscalls.capget()
        syscalls.capset(effective, permitted, CHOWN)
        syscalls.prctl(syscalls.PR_CAP_AMBIENT, 2, 0)  # PR_CAP_AMBIENT_RAISE, CAP_CHOWN
        before = witness("thread-self")["CapAmb"]
        capabilities.apply(KILL, True)
        return [before, witness("thread-self")["CapAmb"], witness("thread-self")["CapPrm"]]

    before, after, permitted = given(story, act)["value"]
    story.check(permitted == KILL, f"permitted {show(permitted)}", show(KILL))
    story.check((before, after) == (CHOWN, 0), f"ambient {show(after)}", "an empty ambient set")


@pytest.mark.root
def test_task4_real_no_new_privileges_show_in_proc() -> None:
    story = Story("apply(0, True, True), then exec", "setpriv --no-new-privs grep NoNew ...")
    rows = after_exec(story, lambda: capabilities.apply(0, True, True), "NoNewPrivs")
    story.check(rows["NoNewPrivs"] == 1, f"NoNewPrivs: {rows['NoNewPrivs']}", "1")


# The real kernel


def witness(process: str, *more: str) -> dict[str, int]:
    """Return the fields of /proc/PROCESS/status that tell the sets, as numbers."""
    return fields(Path("/proc", process, "status").read_text(), *more)


def fields(text: str, *more: str) -> dict[str, int]:
    rows = re.findall(rf"^({'|'.join([*FIELDS, *more])}):\t(\w+)$", text, re.MULTILINE)
    return {field: int(number, 16) for field, number in rows}


def after_exec(story: Story, act: Callable[[], Any], *more: str) -> dict[str, int]:
    """Call *act* in a process that then becomes `cat /proc/self/status`; return its fields."""

    def work() -> str:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.dup2(writer, 1)
            try:
                act()
            except BaseException as error:  # told below, by way of the pipe
                os.write(writer, f"!{type(error).__name__}: {error}".encode())
                os._exit(1)
            os.execv("/bin/cat", ["cat", "/proc/self/status"])
        os.close(writer)
        with open(reader, encoding="utf-8") as pipe:
            text = pipe.read()
        os.waitpid(pid, 0)
        if text.startswith("!NotImplementedError"):
            raise NotImplementedError(text.partition(": ")[2])
        return text

    text = story.value(work)
    story.check(not text.startswith("!"), text[1:], "no exception")
    return fields(text, *more)


@contextmanager
def started(command: list[str]) -> Iterator[int]:
    """Run *command*; yield its pid once it is the program at the command's end; end it."""
    with subprocess.Popen(command) as process:
        try:
            while Path(f"/proc/{process.pid}/comm").read_text() != "sleep\n":
                if process.poll() is not None:
                    raise RuntimeError(f"{command} ended with {process.returncode}")
            yield process.pid
        finally:
            process.kill()
