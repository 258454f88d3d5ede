"""Lab 4: control groups.

lab check 4                   every task, on a pretend kernel
lab check 4 -k task1          one task
sudo lab check 4              on the real kernel as well: for all of it, one with cgroup v2
"""

from __future__ import annotations

import errno
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cgroups
import pytest

from course import experiment, pretend_cgroups
from course.pretend_cgroup_files import DISK
from course.pretend_cgroups import Kernel
from course.story import Story
from mini_docker import cgroups_present, cgroups_tree

MIB = 2**20
KEYS = {"cpu", "memory", "limit", "pids", "read", "written"}
FREEZING = 0.06  # seconds that the pretend kernel takes to stop a group
DEADLINE = 0.1  # seconds, in the place of FREEZE_DEADLINE


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """A pretend kernel: a cgroup v2 tree with nothing in it; in memory, for disks are slow."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="pretend-", dir=memory) as folder:
        yield Kernel(Path(folder))


@pytest.fixture
def group(kernel: Kernel) -> str:
    """The group /shop/web of the pretend kernel, with the files of every controller."""
    return kernel.group("shop/web")


def on(kernel: Kernel, function: Callable[[], Any]) -> Callable[[], Any]:
    """Return *function*, to be called with *kernel* in the real one's place."""

    def call() -> Any:
        pretend_cgroups.install(kernel, pytest.MonkeyPatch())
        return function()

    return call


def refused(story: Story, kernel: Kernel, function: Callable[[], Any], *words: str) -> None:
    """Check that *function* raises CgroupError and that its message has *words*."""
    outcome = story.run(on(kernel, function))
    named = " and ".join(words)
    if not outcome.raised:
        saw = f"no exception; it returned {outcome.value!r}"
        story.fail(saw, f"CgroupError, naming {named}", "the kernel's refusal is swallowed")
    elif outcome.raised.kind != "CgroupError":
        story.fail(str(outcome.raised), f"CgroupError, naming {named}")
    lacking = [word for word in words if word not in outcome.raised.message]
    saw = f"CgroupError: {outcome.raised.message}"
    story.check(not lacking, saw, f"a message that names {' and '.join(lacking)}")


# ---- task 1: create ---------------------------------------------------------------------------


def make(kernel: Kernel, path: str) -> tuple[Story, Any]:
    """Create the group *path*; return what it was and what came back."""
    steps = ["", *path.strip("/").split("/")]
    group, hand = "/sys/fs/cgroup", []
    for name in steps[1:]:
        hand.append(f"echo +memory > {group}/cgroup.subtree_control; mkdir {group}/{name}")
        group = f"{group}/{name}"
    story = Story(f'create(root, "{path}")', "; ".join(hand))
    value = story.value(on(kernel, lambda: cgroups.create(kernel.root, path)))
    return story, value


def test_task1_a_group_is_a_directory(kernel: Kernel) -> None:
    story, _ = make(kernel, "shop")
    seen = sorted(entry.name for entry in os.scandir(kernel.root) if entry.is_dir())
    story.check(seen == ["shop"], f"the groups below the root are {seen}", "the group shop")


def test_task1_every_name_of_the_path_is_a_group(kernel: Kernel) -> None:
    story, _ = make(kernel, "shop/web/1")
    for path in ("shop", "shop/web", "shop/web/1"):
        there = os.path.isdir(f"{kernel.root}/{path}")
        story.check(there, f"no directory {path} below the root", "one for each name of the path")


def test_task1_the_answer_is_the_groups_directory(kernel: Kernel) -> None:
    story, value = make(kernel, "shop/web")
    wanted = f"{kernel.root}/shop/web"
    story.check(
        isinstance(value, str) and os.path.normpath(value) == wanted,
        f"it returned {value!r}",
        f"{wanted!r}",
    )


def test_task1_a_path_may_begin_and_end_with_a_slash(kernel: Kernel) -> None:
    story, value = make(kernel, "/shop/web/")
    there = os.path.isdir(f"{kernel.root}/shop/web") and not os.path.isdir("/shop")
    saw = f"it returned {value!r}, and there is no shop/web below the root"
    story.check(there, saw, "the same group as for shop/web: the path begins at the root given")


def test_task1_the_new_group_has_the_files_of_the_controllers(kernel: Kernel) -> None:
    story, _ = make(kernel, "shop")
    control = kernel.text("cgroup.subtree_control")
    for name in ("memory.max", "cpu.max", "pids.max", "io.max", "cpuset.cpus"):
        story.check(
            os.path.exists(f"{kernel.root}/shop/{name}"),
            f"shop has no {name}; the root's cgroup.subtree_control holds {control!r}",
            "a file of each controller in the new group",
            "mkdir alone: nobody handed the controllers down, so the group cannot limit anything",
        )


def test_task1_each_parent_on_the_way_hands_the_controllers_down(kernel: Kernel) -> None:
    story, _ = make(kernel, "shop/web/1")
    for path in ("", "shop/", "shop/web/"):
        control = kernel.text(f"{path}cgroup.subtree_control").split()
        story.check(
            set(control) == set(cgroups.CONTROLLERS),
            f"{path}cgroup.subtree_control holds {' '.join(control)!r}",
            f"{' '.join(cgroups.CONTROLLERS)} (in any order)",
            ""
            if "memory" in control
            else "a controller is handed down step by step: the root "
            "alone cannot hand it to a grandchild",
        )


def test_task1_the_group_itself_hands_nothing_down(kernel: Kernel) -> None:
    story, _ = make(kernel, "shop/web")
    story.check(
        os.path.exists(f"{kernel.root}/shop/web/memory.max"),
        "shop/web has no memory.max",
        "the files of every controller",
        "nobody handed the controllers down",
    )
    control = kernel.text("shop/web/cgroup.subtree_control")
    story.check(
        not control,
        f"the new group's own cgroup.subtree_control holds {control!r}",
        "nothing in it: only its parents hand controllers down",
        "the new group hands controllers down itself: the kernel will let no process into it "
        '("no internal processes", EBUSY)',
    )


def test_task1_only_what_the_kernel_offers_is_asked_for(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path, offered="cpu memory pids rdma")
    story = Story(
        'create(root, "shop/web") where cgroup.controllers lists "cpu memory pids rdma"',
        "cat /sys/fs/cgroup/cgroup.controllers",
    )
    outcome = story.run(on(kernel, lambda: cgroups.create(kernel.root, "shop/web")))
    story.check(
        not outcome.raised,
        str(outcome.raised),
        "a group with the controllers that there are",
        "a controller is asked for that cgroup.controllers does not list",
    )
    handed = set(kernel.text("shop/cgroup.subtree_control").split())
    saw = f"shop's cgroup.subtree_control holds {' '.join(sorted(handed))!r}"
    story.check(handed >= {"cpu", "memory", "pids"}, saw, "cpu memory pids")
    story.check("rdma" not in handed, saw, "no rdma: it is not one of CONTROLLERS")


def test_task1_a_group_that_exists_is_used_as_it_is(kernel: Kernel) -> None:
    kernel.group("shop/web")
    kernel.set(f"{kernel.root}/shop/web", memory_max=str(64 * MIB))
    story = Story('create(root, "shop/web") for a group that exists, with memory.max set')
    outcome = story.run(on(kernel, lambda: cgroups.create(kernel.root, "shop/web")))
    saw = f"{outcome.raised}"
    expected = "its directory, and no harm done: the next container goes below mini-docker as well"
    story.check(not outcome.raised, saw, expected, "a group that exists is taken for an error")
    story.check(
        outcome.value == f"{kernel.root}/shop/web", f"it returned {outcome.value!r}", expected
    )
    limit = kernel.text("shop/web/memory.max")
    story.check(limit == str(64 * MIB), f"memory.max was changed to {limit}", "it keeps its limit")


def test_task1_a_second_group_beside_the_first(kernel: Kernel) -> None:
    make(kernel, "shop/web")
    story, _ = make(kernel, "shop/db")
    for path in ("shop/web", "shop/db"):
        there = os.path.exists(f"{kernel.root}/{path}/memory.max")
        story.check(there, f"{path} has no memory.max", "both groups, with all their files")


def test_task1_a_refused_mkdir_names_the_directory(kernel: Kernel) -> None:
    kernel.refusals["mkdir"] = errno.EPERM
    story = Story('create(root, "shop") where the kernel refuses mkdir with EPERM')
    words = f"{kernel.root}/shop", os.strerror(errno.EPERM)
    refused(story, kernel, lambda: cgroups.create(kernel.root, "shop"), *words)


def test_task1_a_group_with_processes_cannot_hand_down(kernel: Kernel) -> None:
    kernel.group("shop")
    kernel.set(f"{kernel.root}/shop", cgroup_procs="4321")
    story = Story('create(root, "shop/web") where process 4321 is in shop itself')
    words = f"{kernel.root}/shop/cgroup.subtree_control", "processes"
    refused(story, kernel, lambda: cgroups.create(kernel.root, "shop/web"), *words)


# ---- task 2: apply ----------------------------------------------------------------------------


def limit(kernel: Kernel, group: str, *limits: tuple[str, str]) -> tuple[Story, Any]:
    """Apply *limits*; return what was done and what came back."""
    hand = "; ".join(f"echo '{text}' > {name}; cat {name}" for name, text in limits)
    story = Story(f"apply(group, {list(limits)})", hand)
    return story, story.value(on(kernel, lambda: cgroups.apply(group, limits)))


def test_task2_a_limit_is_written_to_its_file(kernel: Kernel, group: str) -> None:
    story, _ = limit(kernel, group, ("memory.max", "67108864"))
    kept = kernel.text("shop/web/memory.max")
    story.check(kept == "67108864", f"memory.max holds {kept!r}", "'67108864'")


def test_task2_every_limit_is_written(kernel: Kernel, group: str) -> None:
    limits = ("memory.max", "67108864"), ("pids.max", "20"), ("cpu.max", "50000 100000")
    story, _ = limit(kernel, group, *limits)
    for name, wanted in limits:
        kept = kernel.text(f"shop/web/{name}")
        story.check(kept == wanted, f"{name} holds {kept!r}", repr(wanted))


def test_task2_limits_that_hold_are_no_news(kernel: Kernel, group: str) -> None:
    story, value = limit(kernel, group, ("memory.max", "67108864"), ("pids.max", "20"))
    story.check(value == [], f"it returned {value!r}", "an empty list: both limits hold")


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("memory.max", "1000000", "999424"),
        ("memory.max", "max", "max"),
        ("cpu.max", "150000 100000", "150000 100000"),
        ("io.max", f"{DISK} rbps=1048576", f"{DISK} rbps=1048576 wbps=max riops=max wiops=max"),
    ],
)
def test_task2_the_kernels_normal_form_holds(
    kernel: Kernel, group: str, name: str, text: str, kept: str
) -> None:
    story, value = limit(kernel, group, (name, text))
    story.check(
        kernel.text(f"shop/web/{name}") == kept,
        f"{name} holds {kernel.text(f'shop/web/{name}')!r}",
        repr(kept),
    )
    story.check(
        value == [],
        f"{name} holds {kept!r}, and it returned {value!r}",
        "an empty list: that is the kernel's way to write what was asked for",
        "a false alarm: the two texts are compared letter by letter, not by holds()",
    )


def test_task2_a_missing_file_is_reported_by_name(kernel: Kernel, group: str) -> None:
    os.unlink(f"{group}/memory.swap.max")
    story, value = limit(kernel, group, ("memory.swap.max", "0"))
    story.check(
        isinstance(value, list) and len(value) == 1 and "memory.swap.max" in str(value[0]),
        f"it returned {value!r}",
        "a list of one sentence that names memory.swap.max: this kernel has no such file",
        "a limit that cannot be set is dropped in silence" if not value else "",
    )


def test_task2_a_missing_file_is_no_error(kernel: Kernel, group: str) -> None:
    os.unlink(f"{group}/memory.swap.max")
    story = Story("apply(group, limits) where the file memory.swap.max does not exist")
    limits = [("memory.swap.max", "0"), ("pids.max", "20")]
    outcome = story.run(on(kernel, lambda: cgroups.apply(group, limits)))
    story.check(
        not outcome.raised,
        str(outcome.raised),
        "a warning in the list: without swap there is nothing to forbid",
        "a file that does not exist is taken for a refusal",
    )
    kept = kernel.text("shop/web/pids.max")
    story.check(
        kept == "20",
        f"pids.max holds {kept!r}",
        "'20': the limits after a missing file are set all the same",
        "the first missing file ends the whole job",
    )


@pytest.mark.parametrize("kept", ["100", "50"])
def test_task2_a_limit_that_does_not_hold_is_reported(
    kernel: Kernel, group: str, kept: str
) -> None:
    kernel.keeps["cpu.weight"] = kept
    story, value = limit(kernel, group, ("cpu.weight", "300"))
    words = f"{value[0] if isinstance(value, list) and value else ''}"
    story.check(
        isinstance(value, list) and len(value) == 1,
        f"the write succeeded, cpu.weight holds {kept!r} all the same, and it returned {value!r}",
        "a list of one sentence",
        "the file is not read again after the write" if value == [] else "",
    )
    story.check(
        "cpu.weight" in words and kept in words,
        f"the sentence is {words!r}",
        f"one that names cpu.weight and says that it holds {kept}",
    )


def test_task2_one_sentence_for_each_limit_that_does_not_hold(kernel: Kernel, group: str) -> None:
    os.unlink(f"{group}/memory.swap.max")
    kernel.keeps["cpu.weight"] = "100"
    limits = ("pids.max", "20"), ("cpu.weight", "300"), ("memory.swap.max", "0")
    story, value = limit(kernel, group, *limits)
    saw, expected = f"it returned {value!r}", "two sentences: for cpu.weight and memory.swap.max"
    story.check(isinstance(value, list) and len(value) == 2, saw, expected)
    names = {name for name, _ in limits for line in value if f"{name}" in line}
    story.check(names == {"cpu.weight", "memory.swap.max"}, saw, expected)


def test_task2_a_refused_write_names_file_and_value(kernel: Kernel, group: str) -> None:
    story = Story(
        'apply(group, [("cpu.max", "10 100000")]): less than the smallest share, 1000 microseconds',
        "echo '10 100000' > cpu.max",
    )
    words = f"{group}/cpu.max", "10 100000"
    refused(story, kernel, lambda: cgroups.apply(group, [("cpu.max", "10 100000")]), *words)


def test_task2_a_refusal_says_why(kernel: Kernel, group: str) -> None:
    kernel.refusals["memory.max"] = errno.EACCES
    story = Story("apply(group, limits) where the kernel answers EACCES to memory.max")
    words = f"{group}/memory.max", os.strerror(errno.EACCES)
    refused(story, kernel, lambda: cgroups.apply(group, [("memory.max", "0")]), *words)


def test_task2_limits_may_come_from_a_generator(kernel: Kernel, group: str) -> None:
    def limits() -> Iterator[tuple[str, str]]:
        yield "memory.max", "67108864"
        yield "pids.max", "20"

    story = Story("apply(group, limits) with a generator of two limits")
    story.value(on(kernel, lambda: cgroups.apply(group, limits())))
    kept = kernel.text("shop/web/memory.max"), kernel.text("shop/web/pids.max")
    expected = "both set: limits is an Iterable, and can be gone through once"
    story.check(kept == ("67108864", "20"), f"memory.max and pids.max hold {kept}", expected)


# ---- task 3: freeze ---------------------------------------------------------------------------


def freeze(kernel: Kernel, group: str, frozen: bool) -> tuple[Story, str]:
    """Freeze or thaw; return what was done, and cgroup.events as it was at the return."""
    kernel.freezing = FREEZING
    hand = f"echo {frozen:d} > cgroup.freeze; cat cgroup.events"
    story = Story(f"freeze(group, {frozen}); the kernel needs {FREEZING} s for it", hand)

    def call() -> str:
        cgroups.freeze(group, frozen)
        return Path(group, "cgroup.events").read_text()

    return story, story.value(on(kernel, call))


def test_task3_freezing_writes_1(kernel: Kernel, group: str) -> None:
    story, _ = freeze(kernel, group, True)
    written = kernel.written("shop/web/cgroup.freeze")
    story.check(set(written) == {"1"}, f"cgroup.freeze was told {written}", "1")


def test_task3_thawing_writes_0(kernel: Kernel, group: str) -> None:
    kernel.set(group, cgroup_freeze="1", cgroup_events="populated 1\nfrozen 1")
    story, _ = freeze(kernel, group, False)
    written = kernel.written("shop/web/cgroup.freeze")
    story.check(set(written) == {"0"}, f"cgroup.freeze was told {written}", "0")


def test_task3_freezing_is_what_happens_by_default(kernel: Kernel, group: str) -> None:
    story = Story("freeze(group)", "echo 1 > cgroup.freeze")
    story.value(on(kernel, lambda: cgroups.freeze(group)))
    written = kernel.written("shop/web/cgroup.freeze")
    story.check(set(written) == {"1"}, f"cgroup.freeze was told {written}", "1")


@pytest.mark.parametrize("populated", [0, 1])
def test_task3_it_returns_when_the_last_process_has_stopped(
    kernel: Kernel, group: str, populated: int
) -> None:
    kernel.set(group, cgroup_events=f"populated {populated}\nfrozen 0")
    story, events = freeze(kernel, group, True)
    story.check(
        "frozen 1" in events,
        f"when it returned, cgroup.events held {events.strip()!r}",
        "'frozen 1' in it: the write only starts the freezing",
        "it does not wait, or looks at another line than frozen",
    )


@pytest.mark.parametrize("populated", [0, 1])
def test_task3_it_returns_when_all_run_again(kernel: Kernel, group: str, populated: int) -> None:
    kernel.set(group, cgroup_freeze="1", cgroup_events=f"populated {populated}\nfrozen 1")
    story, events = freeze(kernel, group, False)
    story.check(
        "frozen 0" in events,
        f"when it returned, cgroup.events held {events.strip()!r}",
        "'frozen 0' in it",
        "it does not wait, or looks at another line than frozen",
    )


def test_task3_frozen_twice_is_frozen(kernel: Kernel, group: str) -> None:
    story = Story("freeze(group); freeze(group)")

    def call() -> str:
        cgroups.freeze(group)
        cgroups.freeze(group)
        return Path(group, "cgroup.events").read_text()

    events = story.value(on(kernel, call))
    story.check("frozen 1" in events, f"cgroup.events holds {events.strip()!r}", "'frozen 1'")


@pytest.mark.parametrize("frozen", [True, False])
def test_task3_it_gives_up_after_the_deadline(
    kernel: Kernel, group: str, frozen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "FREEZE_DEADLINE", DEADLINE)
    kernel.freezing = None
    was = "populated 1\nfrozen " + str(int(not frozen))
    kernel.set(group, cgroup_freeze=str(int(not frozen)), cgroup_events=was)
    story = Story(
        f"freeze(group, {frozen}) with a process that never gets there; deadline {DEADLINE} s"
    )
    watch = Path(kernel.root).with_name("took")

    def timed() -> None:
        started = time.monotonic()
        try:
            cgroups.freeze(group, frozen)
        finally:
            watch.write_text(f"{time.monotonic() - started}")

    outcome = story.run(
        on(kernel, timed),
        "CgroupError after FREEZE_DEADLINE seconds",
        "it waits without a deadline: one process that hangs on a dead disk hangs the engine too",
    )
    kind = outcome.raised.kind if outcome.raised else "no exception"
    story.check(kind == "CgroupError", kind, "CgroupError", "it does not wait for the kernel")
    assert outcome.raised
    saw = f"the message {outcome.raised.message!r}"
    story.check(group in outcome.raised.message, saw, f"one that names {group}")
    took = float(watch.read_text())
    expected = f"a try of FREEZE_DEADLINE, {DEADLINE} s"
    story.check(took >= 0.8 * DEADLINE, f"it gave up after {took:.2f} s", expected)


@pytest.mark.parametrize("frozen", [True, False])
def test_task3_giving_up_undoes_the_write(
    kernel: Kernel, group: str, frozen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "FREEZE_DEADLINE", DEADLINE / 2)
    kernel.freezing = None
    before, told = str(int(not frozen)), str(int(frozen))
    kernel.set(group, cgroup_freeze=before, cgroup_events=f"populated 1\nfrozen {before}")
    story = Story(f"freeze(group, {frozen}) that had to give up")
    story.run(on(kernel, lambda: cgroups.freeze(group, frozen)), "CgroupError")
    written = kernel.written("shop/web/cgroup.freeze")
    story.check(
        written[:1] == [told] and kernel.text("shop/web/cgroup.freeze") == before,
        f"cgroup.freeze was told {written} and holds {kernel.text('shop/web/cgroup.freeze')}",
        f"{told}, and {before} again in the end",
        "after giving up, the write is not undone: the group stops (or runs) some time later, "
        "when nobody expects it",
    )


def test_task3_a_refused_write_names_the_file(kernel: Kernel, group: str) -> None:
    kernel.refusals["cgroup.freeze"] = errno.EACCES
    story = Story("freeze(group) where the kernel answers EACCES")
    refused(story, kernel, lambda: cgroups.freeze(group), f"{group}/cgroup.freeze")


# ---- task 4: statistics -----------------------------------------------------------------------


def measure(kernel: Kernel, group: str, hand: str) -> tuple[Story, dict[str, Any]]:
    """Ask for the statistics of *group*; return what was done and the answer."""
    story = Story(f"statistics(group), where {hand} shows what follows", f"cat {hand}")
    value = story.value(on(kernel, lambda: cgroups.statistics(group)))
    expected = f"a dictionary with the keys {', '.join(sorted(KEYS))}"
    good = isinstance(value, dict) and set(value) == KEYS
    story.check(good, f"it returned {value!r}", expected)
    return story, value


def test_task4_processor_time_is_in_nanoseconds(kernel: Kernel, group: str) -> None:
    kernel.set(group, cpu_stat="usage_usec 1234567\nuser_usec 1200000\nsystem_usec 34567")
    story, value = measure(kernel, group, "cpu.stat")
    story.check(
        value["cpu"] == 1_234_567_000,
        f"usage_usec is 1234567, and cpu is {value['cpu']!r}",
        "1234567000",
        "microseconds are not nanoseconds: one is a thousand of the other"
        if value["cpu"] == 1_234_567
        else "",
    )


def test_task4_memory_is_what_cannot_be_dropped_at_once(kernel: Kernel, group: str) -> None:
    stat = f"anon {20 * MIB}\nfile {40 * MIB}\nactive_file {9 * MIB}\ninactive_file {31 * MIB}"
    kernel.set(group, memory_current=str(60 * MIB), memory_stat=stat)
    story, value = measure(kernel, group, "memory.current memory.stat")
    story.check(
        value["memory"] == 29 * MIB,
        f"current is 60 MiB, inactive_file 31 MiB, and memory is {value['memory'] / MIB:g} MiB",
        "29 MiB",
        "the page cache is counted as if the container could not do without it"
        if value["memory"] == 60 * MIB
        else "",
    )


def test_task4_memory_is_never_below_nothing(kernel: Kernel, group: str) -> None:
    # The two files are not read at one moment.
    kernel.set(group, memory_current=str(MIB), memory_stat=f"inactive_file {2 * MIB}")
    story, value = measure(kernel, group, "memory.current memory.stat")
    saw = f"current is 1 MiB, inactive_file 2 MiB by now, and memory is {value['memory']}"
    story.check(value["memory"] == 0, saw, "0")


def test_task4_the_limit_is_in_bytes(kernel: Kernel, group: str) -> None:
    kernel.set(group, memory_max=str(64 * MIB))
    story, value = measure(kernel, group, "memory.max")
    saw = f"limit is {value['limit']!r}"
    story.check(value["limit"] == 64 * MIB, saw, str(64 * MIB))


def test_task4_no_limit_is_0(kernel: Kernel, group: str) -> None:
    kernel.set(group, memory_max="max")
    story = Story("statistics(group), where memory.max holds 'max'", "cat memory.max")
    outcome = story.run(on(kernel, lambda: cgroups.statistics(group)))
    mistake = '"max" is not a number'
    story.check(not outcome.raised, str(outcome.raised), "limit 0", mistake)
    seen = (outcome.value or {}).get("limit")
    story.check(seen == 0 and seen is not None, f"limit is {seen!r}", "0")


def test_task4_pids_counts_processes_and_threads(kernel: Kernel, group: str) -> None:
    kernel.set(group, pids_current="7", cgroup_procs="4321")
    story, value = measure(kernel, group, "pids.current")
    story.check(
        value["pids"] == 7,
        f"pids.current is 7, one process is in cgroup.procs, and pids is {value['pids']!r}",
        "7: threads count as well",
    )


def test_task4_bytes_of_all_devices_are_added(kernel: Kernel, group: str) -> None:
    stat = (
        "8:0 rbytes=1000 wbytes=20 rios=3 wios=4 dbytes=5 dios=6\n"
        "254:0 rbytes=4000 wbytes=500 rios=7 wios=8 dbytes=900 dios=1"
    )
    kernel.set(group, io_stat=stat)
    story, value = measure(kernel, group, "io.stat")
    seen = value["read"], value["written"]
    story.check(
        seen == (5000, 520),
        f"8:0 has rbytes=1000 wbytes=20, 254:0 rbytes=4000 wbytes=500; (read, written) is {seen}",
        "(5000, 520)",
        "one device is counted, the others are not" if seen in ((1000, 20), (4000, 500)) else "",
    )


def test_task4_a_device_may_stand_alone_on_its_line(kernel: Kernel, group: str) -> None:
    kernel.set(group, io_stat="7:0\n8:0 wbytes=20 rbytes=1000")
    story = Story("statistics(group), where io.stat is '7:0' and '8:0 wbytes=20 rbytes=1000'")
    outcome = story.run(on(kernel, lambda: cgroups.statistics(group)))
    story.check(not outcome.raised, str(outcome.raised), "read 1000, written 20")
    value = outcome.value or {}
    seen = value.get("read"), value.get("written")
    story.check(seen == (1000, 20), f"(read, written) is {seen}", "(1000, 20)")


def test_task4_a_controller_that_is_not_here_counts_as_0(kernel: Kernel) -> None:
    bare = kernel.group("bare", controllers="pids")
    kernel.set(bare, pids_current="2", cpu_stat="usage_usec 5")
    story = Story("statistics(group) in a group that has cpu.stat and the files of pids only")
    outcome = story.run(on(kernel, lambda: cgroups.statistics(bare)))
    expected = dict.fromkeys(sorted(KEYS), 0) | {"cpu": 5000, "pids": 2}
    mistake = "a file that does not exist is read all the same"
    story.check(not outcome.raised, str(outcome.raised), str(expected), mistake)
    story.check(outcome.value == expected, f"it returned {outcome.value!r}", str(expected))


# ---- the real kernel --------------------------------------------------------------------------


@pytest.fixture
def real() -> Iterator[str]:
    """A directory of the real cgroup v2, for groups of a test's own; removed with all in it."""
    tree = cgroups_present.find()
    if not tree.unified:
        pytest.skip("there is no cgroup v2 file system here, not even beside version 1")
    outer = cgroups_tree.Group(f"/mini-docker-lab4-{os.getpid()}")
    directory = f"{tree.unified}{outer.path}"
    handed = Path(tree.unified, "cgroup.subtree_control")
    wanted = set(Path(tree.unified, "cgroup.controllers").read_text().split())
    if tree.version == "v2":
        for controller in wanted & {"cpuset", "cpu", "io", "memory", "pids"}:
            handed.write_text(f"+{controller}")
    os.mkdir(directory)
    try:
        yield directory
    finally:
        Path(directory, "cgroup.kill").write_text("1")
        for folder in reversed([folder for folder, _, _ in os.walk(directory)]):
            experiment.until(partial(empty, folder))
            os.rmdir(folder)


def empty(group: str) -> bool:
    return "populated 0" in Path(group, "cgroup.events").read_text()


def inside(group: str, function: Callable[[], Any]) -> int:
    """Fork a process that enters *group*, then calls *function*; return its pid."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            Path(group, "cgroup.procs").write_text("0")
            os.write(writer, b"in")
            function()
        finally:
            os._exit(0)
    os.close(writer)
    told = os.read(reader, 2)
    os.close(reader)
    assert told == b"in", "the grader's own process could not enter the group"
    return pid


def spin() -> None:
    while True:
        pass


def ticks(pid: int) -> int:
    """Return the processor time that *pid* has used, in clock ticks. proc(5), stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def made(real: str, path: str) -> str:
    group = Story(f'create("{real}", "{path}")').value(lambda: cgroups.create(real, path))
    assert isinstance(group, str), f"create returned {group!r}"
    return group


@pytest.mark.root
@pytest.mark.needs("real-root")
def test_task1_a_real_group_takes_a_process(real: str) -> None:
    story = Story(f'create("{real}", "shop/web"), and a process goes in', "cat /proc/PID/cgroup")
    story.value(lambda: cgroups.create(real, "shop/web"))
    there = os.path.exists(f"{real}/shop/web/cgroup.procs")
    story.check(there, f"no cgroup.procs in {real}/shop/web", "a group of the kernel's")
    pid = inside(f"{real}/shop/web", spin)
    seen = Path(f"/proc/{pid}/cgroup").read_text()
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    story.check("/shop/web\n" in seen, f"/proc/{pid}/cgroup says {seen!r}", "the group shop/web")


@pytest.mark.root
@pytest.mark.needs("real-root", "cgroup-v2")
def test_task1_a_real_group_has_its_controllers(real: str) -> None:
    story = Story(f'create("{real}", "shop/web")', f"ls {real}/shop/web")
    story.value(lambda: cgroups.create(real, "shop/web"))
    for name in ("memory.max", "cpu.max", "pids.max"):
        there = os.path.exists(f"{real}/shop/web/{name}")
        mistake = "nobody handed the controllers down"
        story.check(there, f"no {name} in it", "the files of the controllers", mistake)


@pytest.mark.root
@pytest.mark.needs("real-root", "cgroup-v2")
def test_task2_the_kernel_kills_what_outgrows_its_limit(real: str) -> None:
    group = made(real, "hog")
    limits = [("memory.max", str(32 * MIB)), ("memory.swap.max", "0")]
    story = Story(f"apply(group, {limits}); a process there takes 64 MiB")
    story.value(lambda: cgroups.apply(group, limits))
    pid = inside(group, lambda: bytearray(64 * MIB))
    _, status = os.waitpid(pid, 0)
    ended = f"killed by signal {status & 127}" if status & 127 else f"exit code {status >> 8}"
    story.check(status & 127 == 9, ended, "killed by signal 9: the limit holds")


@pytest.mark.root
@pytest.mark.needs("real-root", "cgroup-v2")
def test_task2_the_kernel_refuses_one_process_too_many(real: str) -> None:
    group = made(real, "forks")
    story = Story('apply(group, [("pids.max", "3")]); a process there forks five times')
    story.value(lambda: cgroups.apply(group, [("pids.max", "3")]))

    def forks() -> None:
        children = 0
        for _ in range(5):
            try:
                if os.fork() == 0:
                    time.sleep(60)
                    os._exit(0)
                children += 1
            except BlockingIOError:
                break
        os._exit(children)

    _, status = os.waitpid(inside(group, forks), 0)
    seen = f"it had {status >> 8} children before fork failed"
    story.check(status == 2 << 8, seen, "2 children: with the process itself they are 3")


@pytest.mark.root
@pytest.mark.needs("real-root", "cgroup-v2")
def test_task2_a_real_limit_is_rounded_to_pages(real: str) -> None:
    group = made(real, "pages")
    story = Story('apply(group, [("memory.max", "1000000")])', "cat memory.max")
    value = story.value(lambda: cgroups.apply(group, [("memory.max", "1000000")]))
    kept = Path(group, "memory.max").read_text().strip()
    saw = f"memory.max holds {kept}, and it returned {value!r}"
    story.check(value == [] and kept != "max", saw, "the limit set, and an empty list")


@pytest.mark.root
@pytest.mark.needs("real-root")
def test_task3_a_frozen_process_uses_no_processor(real: str) -> None:
    group = f"{real}/busy"
    os.mkdir(group)
    pid = inside(group, spin)
    assert experiment.until(lambda: ticks(pid) > 0)
    story = Story("freeze(group) with a process in it that counts as fast as it can")
    story.value(lambda: cgroups.freeze(group))
    before = ticks(pid)
    time.sleep(0.1)
    after = ticks(pid)
    story.check(after == before, f"it went on: {after - before} ticks in 0.1 s", "no tick more")
    story.value(lambda: cgroups.freeze(group, False))
    again = experiment.until(lambda: ticks(pid) > after, 5)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    story.check(again, "after freeze(group, False) it does not go on", "it goes on counting")


@pytest.mark.root
@pytest.mark.needs("real-root")
def test_task4_real_processor_time_is_measured(real: str) -> None:
    group = f"{real}/busy"
    os.mkdir(group)
    pid = inside(group, spin)
    assert experiment.until(lambda: ticks(pid) >= 10, 30)
    os.kill(pid, signal.SIGSTOP)  # two readings of a process that runs on would differ
    os.waitpid(pid, os.WUNTRACED)
    story = Story("statistics(group) of a process that counts for a while", "cat cpu.stat")
    value = story.value(lambda: cgroups.statistics(group))
    used = ticks(pid) * 10**9 // os.sysconf("SC_CLK_TCK")
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    seen = (value or {}).get("cpu", 0)
    saw = f"cpu is {seen}, while /proc/{pid}/stat counts {used} nanoseconds"
    story.check(used / 2 < seen < used * 2 + 10**8, saw, "about the same")


@pytest.mark.root
@pytest.mark.needs("real-root", "cgroup-v2")
def test_task4_real_memory_and_processes_are_measured(real: str) -> None:
    group = made(real, "used")
    reader, writer = os.pipe()

    def hold() -> None:
        kept = bytearray(b"x") * (16 * MIB)
        os.write(writer, b"ready")
        time.sleep(60)
        del kept

    pid = inside(group, hold)
    os.read(reader, 5)
    story = Story("statistics(group) of a process that holds 16 MiB", "cat memory.current")
    value = story.value(lambda: cgroups.statistics(group)) or {}
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    os.close(reader)
    os.close(writer)
    seen = value.get("memory", 0) / MIB
    story.check(15 <= seen <= 40, f"memory is {seen:.1f} MiB", "a little more than 16 MiB")
    story.check(value.get("pids") == 1, f"pids is {value.get('pids')}", "1")
