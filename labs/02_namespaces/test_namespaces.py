"""Lab 2: namespaces.

    lab check 2              every task
    lab check 2 -k task1     one task

Every test calls the function in a process of its own. The tests of the real kernel
compare with what util-linux's tools and /proc say.
"""

from __future__ import annotations

import ast
import errno
import fcntl
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import namespaces
import pytest

from course import experiment, pretend_namespaces
from course.pretend_namespaces import BOX, FLAGS, GONE, HIDDEN, Kernel
from course.story import Story
from mini_docker import syscalls
from mini_docker.errors import NamespaceError

OWN = "the caller's /proc/self was read, whatever the pid"
LISTED = "ls -l /proc/self/ns"
NS_GET_USERNS = 0xB701  # ioctl_ns(2)
REAL = ["cgroup", "ipc", "mnt", "net", "pid", "time", "uts"]


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """A pretend kernel: the caller, and process 4321 with eight namespaces of its own."""
    with pretend_namespaces.kernel() as it:
        yield it


def see(story: Story, call: Callable[[], Any], kernel: Kernel | None = None) -> dict[str, Any]:
    """Make *call* in a process of its own; return what it gave and what *kernel* noted.

    "value" and "error" are the caller's, "child" is what a child was given that it
    forked, as text.
    """

    def work() -> dict[str, Any]:
        if kernel:
            pretend_namespaces.install(kernel)
        caller, (reader, writer) = os.getpid(), os.pipe()
        seen: dict[str, Any] = {"value": None, "error": "", "message": "", "fits": False}
        try:
            seen["value"] = call()
        except NotImplementedError:
            raise
        except Exception as error:
            seen |= {"error": type(error).__name__, "message": str(error)}
            seen |= {"fits": isinstance(error, NamespaceError), "os": isinstance(error, OSError)}
        if os.getpid() != caller:
            os.write(writer, repr(seen["value"]).encode())
            os._exit(0)
        os.close(writer)
        with open(reader, "rb") as pipe:
            seen["child"] = pipe.read().decode()
        if kernel:
            seen |= {"cloned": kernel.cloned, "unshared": kernel.unshared}
            seen |= {"entered": kernel.entered, "open": kernel.descriptors()}
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
    """As see(), for a call that must raise NamespaceError with *words* in its message."""
    seen = see(story, call, kernel)
    expected = f"NamespaceError, with {' and '.join(map(repr, words))} in its message"
    saw = f"{seen['error']}: {seen['message']}" if seen["error"] else f"it gave {seen['value']!r}"
    if not seen["error"]:
        story.fail(saw, expected, mistake or "the refusal was swallowed, and nobody hears of it")
    bare = "the kernel's own error came through: catch OSError and raise NamespaceError from it"
    story.check(seen["fits"], saw, expected, bare if seen["os"] else "")
    for word in words:
        story.check(word in seen["message"], saw, expected, f"the message leaves out {word!r}")
    return seen


# Task 1: listing


def listed(story: Story, kernel: Kernel, pid: int | str = BOX) -> dict[str, Any]:
    value = given(story, lambda: namespaces.listing(pid), kernel)["value"]
    kinds = "a dictionary with a number for each kind"
    story.check(isinstance(value, dict) and bool(value), f"it gave {value!r}", kinds)
    return dict(value)


def test_task1_every_kind_is_listed(kernel: Kernel) -> None:
    story = Story(f"listing({BOX}), a process that has all eight kinds", f"ls /proc/{BOX}/ns")
    missing = sorted(FLAGS.keys() - listed(story, kernel).keys())
    story.check(not missing, f"no entry for {', '.join(missing)}", "one for each kind of FLAGS")


def test_task1_the_number_is_the_one_in_the_brackets(kernel: Kernel) -> None:
    story = Story(f"listing({BOX})", f"readlink /proc/{BOX}/ns/uts")
    seen, number = listed(story, kernel).get("uts"), kernel.box["uts"]
    saw, expected = f"the entry for uts is {seen!r}", f"{number}: the link reads uts:[{number}]"
    text = "a text, not a number: two of them can be compared, but no tool prints it like that"
    mistake = text if isinstance(seen, str) else OWN if seen == kernel.mine["uts"] else ""
    story.check(seen == number, saw, expected, mistake)


def test_task1_the_process_that_is_asked_about_is_read(kernel: Kernel) -> None:
    story = Story(f"listing({BOX}), which shares no namespace with the caller")
    mine = {
        kind for kind, number in listed(story, kernel).items() if number == kernel.mine.get(kind)
    }
    story.check(
        not mine,
        f"the caller's own numbers for {', '.join(sorted(mine))}",
        f"those of process {BOX}",
        OWN,
    )


def test_task1_self_is_the_caller(kernel: Kernel) -> None:
    story = Story('listing("self")', LISTED)
    value = listed(story, kernel, "self")
    seen = {kind: value.get(kind) for kind in FLAGS}
    story.check(seen == kernel.mine, f"it gave {seen}", f"{kernel.mine}, as /proc/self/ns shows")


def test_task1_the_links_for_children_are_no_kinds(kernel: Kernel) -> None:
    story = Story(f"listing({BOX})", LISTED)
    more = sorted(listed(story, kernel).keys() - FLAGS.keys())
    story.check(
        not more,
        f"entries for {', '.join(more)} as well",
        "the kinds of FLAGS and nothing else",
        "every link in the directory was taken for a kind",
    )


def test_task1_a_kind_that_the_kernel_lacks_is_left_out() -> None:
    story = Story(f"listing({BOX}) on an older kernel, without /proc/{BOX}/ns/time and .../cgroup")
    six = ("ipc", "mnt", "net", "pid", "user", "uts")  # Linux 3.8 to 4.5
    with pretend_namespaces.kernel(six) as old:
        seen = see(story, lambda: namespaces.listing(BOX), old)
    old_kinds = "the six kinds that are there"
    fell = "a missing link was taken for a missing process"
    story.check(not seen["error"], f"{seen['error']}: {seen['message']}", old_kinds, fell)
    kinds = set(seen["value"] or ())
    story.check(kinds == old.box.keys(), f"entries for {', '.join(sorted(kinds))}", old_kinds)


def test_task1_a_process_that_has_ended_is_an_error_that_names_it(kernel: Kernel) -> None:
    story = Story(f"listing({GONE}), a process that has ended", f"ls /proc/{GONE}/ns")
    empty = "no such process looks like a process without namespaces"
    refused(story, lambda: namespaces.listing(GONE), kernel, str(GONE), mistake=empty)


def test_task1_a_process_that_may_not_be_looked_at_is_an_error_that_says_why(
    kernel: Kernel,
) -> None:
    story = Story(f"listing({HIDDEN}), a process of somebody else", "ls -l /proc/1/ns, not as root")
    refused(story, lambda: namespaces.listing(HIDDEN), kernel, str(HIDDEN), "not permitted")


@pytest.mark.root
def test_task1_what_unshare_made_is_told_from_what_is_shared() -> None:
    story = Story("listing(PID) of a process begun by `unshare --uts --ipc`", "lsns -p PID")
    with begun("uts", "ipc") as pid:
        value = given(story, lambda: namespaces.listing(pid))["value"] or {}
        rows = subprocess.check_output(["lsns", "-nrp", str(pid), "-o", "TYPE,NS"], text=True)
    witness = {kind: int(number) for kind, number in map(str.split, rows.splitlines())}
    seen = {kind: value.get(kind) for kind in witness}
    story.check(seen == witness, f"it gave {seen}", f"{witness}, as lsns says")


# Task 2: create


def created(kernel: Kernel, kinds: Any) -> tuple[Story, dict[str, Any]]:
    story = Story(f"create({kinds!r})", f"unshare --fork {' '.join(map(option, kinds))} sh")
    return story, given(story, lambda: namespaces.create(kinds), kernel)


def option(kind: str) -> str:
    return "--" + {"mnt": "mount"}.get(kind, kind)


def bits(flags: int) -> str:
    kinds = " | ".join(kind for kind, flag in FLAGS.items() if flags & flag)
    return f"clone({flags:#x}), which is {kinds or 'no kind at all'}"


@pytest.mark.parametrize("kind", sorted(FLAGS))
def test_task2_each_kind_has_its_flag(kernel: Kernel, kind: str) -> None:
    story, seen = created(kernel, {kind})
    stay(story, seen)
    made = ", ".join(map(bits, seen["cloned"])) or "no clone"
    story.check(seen["cloned"] == [FLAGS[kind]], made, bits(FLAGS[kind]))


def stay(story: Story, seen: dict[str, Any]) -> None:
    """The caller must not have moved: if it has, that is the first cause of all the rest."""
    story.check(
        not seen["unshared"],
        "the caller itself moved into the new namespaces, by unshare",
        "the caller stays where it is; only its child is born elsewhere",
        "after that, every container of this engine would share the first one's namespaces",
    )


def test_task2_several_kinds_are_one_clone(kernel: Kernel) -> None:
    story, seen = created(kernel, {"uts", "ipc", "pid", "user"})
    stay(story, seen)
    wanted = FLAGS["uts"] | FLAGS["ipc"] | FLAGS["pid"] | FLAGS["user"]
    many = "one clone for each kind makes a chain of processes, each with one new namespace"
    none = "flags joined by & have no bit in common" if seen["cloned"] == [0] else ""
    made = ", then ".join(map(bits, seen["cloned"])) or "no clone"
    mistake = many if len(seen["cloned"]) > 1 else none
    story.check(seen["cloned"] == [wanted], made, bits(wanted), mistake)


def test_task2_the_parent_gets_the_pid_of_its_child(kernel: Kernel) -> None:
    story, seen = created(kernel, {"uts"})
    pid = seen["value"]
    story.check(
        type(pid) is int and pid > 1, f"the parent got {pid!r}", "the child's pid, as from os.fork"
    )


def test_task2_the_child_gets_0(kernel: Kernel) -> None:
    story, seen = created(kernel, {"uts"})
    told = f"the child got {seen['child']}" if seen["child"] else "no child came back"
    story.check(seen["child"] == "0", told, "0, as from os.fork")


def test_task2_the_caller_stays_in_its_own_namespaces(kernel: Kernel) -> None:
    story, seen = created(kernel, {"uts", "net"})
    stay(story, seen)
    made = bool(seen["cloned"])
    story.check(made, "nobody called syscalls.clone", "a child with namespaces of its own")


def test_task2_a_kind_named_twice_counts_once(kernel: Kernel) -> None:
    story, seen = created(kernel, ["uts", "uts"])
    made = ", ".join(map(bits, seen["cloned"])) or "no clone"
    plus = "the flags were added up: 0x4000000 + 0x4000000 is the flag of another kind"
    mistake = plus if seen["cloned"] == [2 * FLAGS["uts"]] else ""
    story.check(seen["cloned"] == [FLAGS["uts"]], made, bits(FLAGS["uts"]), mistake)


def test_task2_no_kinds_are_a_plain_fork(kernel: Kernel) -> None:
    story, seen = created(kernel, set())
    saw = f"the parent got {seen['value']!r}, the child {seen['child'] or 'never came back'}"
    both = type(seen["value"]) is int and seen["value"] > 1 and seen["child"] == "0"
    story.check(both, saw, "the child's pid in the parent, 0 in the child")
    made = ", ".join(map(bits, seen["cloned"]))
    story.check(not any(seen["cloned"]), made, "no new namespace")


def test_task2_an_unknown_kind_is_refused_before_anything_is_made(kernel: Kernel) -> None:
    story = Story('create(["uts", "disk"]): there is no disk namespace', "ls /proc/self/ns")
    ignored = "a kind that does not exist was ignored; a misspelt wall is no wall"
    call = lambda: namespaces.create(["uts", "disk"])  # noqa: E731
    seen = refused(story, call, kernel, "disk", mistake=ignored)
    story.check(not seen["cloned"], "a child was made all the same", "the names are read first")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EPERM, "run it as root"),
        (errno.ENOSPC, "max_*_namespaces"),
        (errno.EINVAL, "ls /proc/self/ns"),
    ],
)
def test_task2_a_refusal_names_the_kinds_and_the_reason(
    kernel: Kernel, number: int, words: str
) -> None:
    kernel.refusals["clone"] = number
    story = Story(
        f'create({{"ipc", "uts"}}); the kernel answers {errno.errorcode[number]}',
        "unshare --uts --ipc true, as an ordinary user" if number == errno.EPERM else "",
    )
    call = lambda: namespaces.create({"ipc", "uts"})  # noqa: E731
    seen = see(story, call, kernel)
    if seen["child"]:
        fallback(story)
    refused(story, call, kernel, "ipc", "uts", words)


def test_task2_a_refusal_leaves_no_child(kernel: Kernel) -> None:
    kernel.refusals["clone"] = errno.EPERM
    story = Story('create({"pid"}); the kernel answers EPERM', "unshare --pid --fork true")
    call = lambda: namespaces.create({"pid"})  # noqa: E731
    if see(story, call, kernel)["child"]:
        fallback(story)
    refused(story, call, kernel, "pid")


def fallback(story: Story) -> None:
    story.fail(
        "a child was started without the namespaces",
        "NamespaceError and no child",
        "falling back to a plain fork: the program runs on the host, behind no wall at all",
    )


@pytest.mark.root
def test_task2_the_child_is_process_1() -> None:
    story = Story('create({"pid"})', "unshare --pid --fork sh -c 'echo $$'")
    seen = given(story, lambda: namespaces.create({"pid"}) or os.getpid())
    story.check(seen["child"] == "1", f"the child's pid is {seen['child']}", "1")


@pytest.mark.root
@pytest.mark.parametrize("kind", REAL)
def test_task2_the_kernel_shows_one_new_namespace(kind: str) -> None:
    story = Story(f"create({{{kind!r}}})", f"unshare {option(kind)} --fork lsns -p self")

    def changed() -> Any:
        before = links("self")
        pid = namespaces.create({kind})
        if pid == 0:
            new = links("self")
            return sorted(it for it in new if new[it] != before[it])
        return pid

    seen = given(story, changed)
    expected = f"only {kind} is new"
    story.check(seen["child"] == repr([kind]), f"new in the child: {seen['child']}", expected)


@pytest.mark.root
def test_task2_a_host_name_set_in_the_child_stays_there() -> None:
    story = Story("create({'uts'}), and the child calls itself box", "unshare --uts hostname box")

    def rename() -> Any:
        syscalls.unshare(syscalls.CLONE_NEWUTS)  # a wrong answer must not rename the machine
        syscalls.sethostname("outside")
        pid = namespaces.create({"uts"})
        if pid == 0:
            syscalls.sethostname("box")
            return socket.gethostname()
        os.waitpid(pid, 0)
        return socket.gethostname()

    seen = given(story, rename)
    story.check(seen["child"] == "'box'", f"the child is called {seen['child']}", "box")
    story.check(seen["value"] == "outside", f"the caller is now {seen['value']}", "its old name")


@pytest.mark.root
def test_task2_with_user_the_others_belong_to_the_new_one() -> None:
    story = Story("create({'user', 'uts'})", "unshare --user --uts lsns -o TYPE,NS,ONS -p self")

    def owner() -> Any:
        before = links("self")
        pid = namespaces.create({"user", "uts"})
        if pid == 0:
            now = links("self")
            owner = fcntl.ioctl(os.open("/proc/self/ns/uts", os.O_RDONLY), NS_GET_USERNS)
            theirs = f"user:[{os.fstat(owner).st_ino}]"
            return [now["user"] != before["user"], now["uts"] != before["uts"], theirs, now["user"]]
        return pid

    seen = given(story, owner)
    expected = "a new user namespace, a new uts namespace, and the first owns the second"
    new_user, new_uts, theirs, own = ast.literal_eval(seen["child"] or "[False, False, '', '']")
    saw = (
        f"new user: {new_user}; new uts: {new_uts}; uts belongs to {theirs}, the child is in {own}"
    )
    story.check(new_user and new_uts and theirs == own, saw, expected)


@pytest.mark.root
def test_task2_a_kernel_that_has_no_more_to_give_is_quoted() -> None:
    story = Story(
        "create({'uts'}) where /proc/sys/user/max_uts_namespaces is 0",
        "unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_uts_namespaces; unshare -u true'",
    )

    def poor() -> Any:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        Path("/proc/sys/user/max_uts_namespaces").write_text("0")
        return namespaces.create({"uts"})

    refused(story, poor, None, "uts", "max_*_namespaces")


# Task 3: enter


def entered(kernel: Kernel, *kinds: str) -> tuple[Story, dict[str, Any]]:
    story = entering(*kinds)
    return story, see(story, lambda: namespaces.enter(BOX, set(kinds)), kernel)


def entering(*kinds: str) -> Story:
    names = ", ".join(map(repr, kinds))
    return Story(f"enter({BOX}, {{{names}}})", f"nsenter -t {BOX} {' '.join(map(option, kinds))}")


def steps(seen: dict[str, Any]) -> str:
    way = ", then ".join(seen["entered"]) or "no namespace was entered"
    return f"{way}; {seen['error']}: {seen['message']}" if seen["error"] else way


@pytest.mark.parametrize("kind", sorted(FLAGS))
def test_task3_each_kind_is_entered_alone(kernel: Kernel, kind: str) -> None:
    kernel.share(*(FLAGS.keys() - {kind}))
    story, seen = entered(kernel, kind)
    story.check(seen["entered"] == [kind], steps(seen), f"{kind}, and nothing else")


def test_task3_only_what_is_asked_for_is_entered(kernel: Kernel) -> None:
    kernel.share("user")
    story, seen = entered(kernel, "ipc", "uts")
    more = "all of the process's namespaces were entered, asked for or not"
    mistake = more if len(seen["entered"]) > 2 else ""
    story.check(sorted(seen["entered"]) == ["ipc", "uts"], steps(seen), "ipc and uts", mistake)


def test_task3_the_user_namespace_comes_first(kernel: Kernel) -> None:
    story, seen = entered(kernel, "ipc", "net", "user", "uts")
    late = "the rights to enter the others come with the user namespace: it must be the first"
    mistake = late if not seen["entered"] and "permitted" in seen["message"].lower() else ""
    right = seen["entered"][:1] == ["user"] and len(seen["entered"]) == 4
    story.check(right, steps(seen), "user, then the others: the order of FLAGS", mistake)


def test_task3_all_eight_are_entered(kernel: Kernel) -> None:
    story, seen = entered(kernel, *FLAGS)
    late = "a file was opened after mnt had been entered: /proc was another one by then"
    mistake = late if "mnt" in seen["entered"] and seen["error"] else ""
    story.check(sorted(seen["entered"]) == sorted(FLAGS), steps(seen), "all eight", mistake)


def test_task3_all_files_are_opened_before_the_first_step(kernel: Kernel) -> None:
    kernel.ends_early = True
    kernel.share("user")
    story = Story(f"enter({BOX}, {{'ipc', 'uts'}}); the process ends after the first step")
    seen = see(story, lambda: namespaces.enter(BOX, {"ipc", "uts"}), kernel)
    late = "the files were opened one by one, between the steps"
    both = sorted(seen["entered"]) == ["ipc", "uts"]
    expected = "both: an open file keeps its namespace alive, whatever becomes of the process"
    story.check(both, steps(seen), expected, late if len(seen["entered"]) == 1 else "")


def test_task3_a_namespace_that_is_shared_already_is_left_out(kernel: Kernel) -> None:
    kernel.share("user", "net")
    story, seen = entered(kernel, "net", "user", "uts")
    again = "the kernel refuses to enter the user namespace that one is in already (EINVAL)"
    mistake = again if seen["error"] else ""
    expected = "uts alone: user and net are the same"
    story.check(seen["entered"] == ["uts"], steps(seen), expected, mistake)


def test_task3_the_caller_is_self_where_proc_has_another_number_for_it(kernel: Kernel) -> None:
    kernel.share("user")
    story = Story(f"enter({BOX}, {{'uts'}}) from a new pid namespace, with the old /proc")

    def enter() -> None:  # as in exec: the pid namespace is a new one, /proc the host's
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "getpid", lambda: GONE)
            namespaces.enter(BOX, {"uts"})

    seen = see(story, enter, kernel)
    number = "os.getpid() is a number of the new namespace, and /proc was asked in the old one"
    mistake = number if str(GONE) in seen["message"] else ""
    story.check(seen["entered"] == ["uts"], steps(seen), "uts; /proc/self is the caller", mistake)


def test_task3_nothing_stays_open(kernel: Kernel) -> None:
    story, seen = entered(kernel, "user", "uts", "mnt")
    story.check(len(seen["entered"]) == 3, steps(seen), "user, uts and mnt")
    shut(story, seen)


def shut(story: Story, seen: dict[str, Any]) -> None:
    story.check(
        not seen["open"],
        f"still open afterwards: {', '.join(sorted(seen['open']))}",
        "every file that was opened is closed again",
        "a file that stays open keeps its namespace alive, also without a process in it",
    )


def test_task3_nothing_stays_open_after_a_refusal(kernel: Kernel) -> None:
    kernel.refusals["uts"] = errno.EPERM
    kernel.share("user")
    story = Story(f"enter({BOX}, {{'uts', 'mnt'}}); the kernel answers EPERM for uts")
    shut(story, refused(story, lambda: namespaces.enter(BOX, {"uts", "mnt"}), kernel, "uts"))


def test_task3_a_refusal_names_the_kind_the_pid_and_the_reason(kernel: Kernel) -> None:
    kernel.refusals["net"] = errno.EPERM
    kernel.share("user")
    story = Story(f"enter({BOX}, {{'net'}}); the kernel answers EPERM", "nsenter -t 1 --net true")
    call = lambda: namespaces.enter(BOX, {"net"})  # noqa: E731
    refused(story, call, kernel, "net", str(BOX), "not permitted")


def test_task3_an_unknown_kind_is_refused_before_anything_is_entered(kernel: Kernel) -> None:
    kernel.share("user")
    story = Story(f"enter({BOX}, {{'uts', 'disk'}}): there is no disk namespace")
    ignored = "a kind that does not exist was ignored"
    call = lambda: namespaces.enter(BOX, {"uts", "disk"})  # noqa: E731
    seen = refused(story, call, kernel, "disk", mistake=ignored)
    story.check(not seen["entered"], steps(seen), "the names are read first")


def test_task3_a_process_that_has_ended_is_an_error_that_names_it(kernel: Kernel) -> None:
    story = Story(f"enter({GONE}, {{'uts'}}), a process that has ended")
    refused(story, lambda: namespaces.enter(GONE, {"uts"}), kernel, str(GONE))


@pytest.mark.root
@pytest.mark.parametrize("kind", REAL)
def test_task3_a_real_namespace_is_entered(kind: str) -> None:
    story = Story(f"enter(PID, {{{kind!r}}})", f"nsenter -t PID {option(kind)} {LISTED}")
    link = {"pid": "pid_for_children"}.get(kind, kind)

    def inside(pid: int) -> str:
        namespaces.enter(pid, {kind})
        return os.readlink(f"/proc/thread-self/ns/{link}")

    with begun(kind) as pid:
        seen = given(story, lambda: inside(pid))["value"]
        theirs = os.readlink(f"/proc/{pid}/ns/{kind}")
    story.check(seen == theirs, f"/proc/self/ns/{link} reads {seen}", theirs)


@pytest.mark.root
def test_task3_a_real_container_is_entered_whole() -> None:
    story = Story("enter(PID, FLAGS) of a process that has all but the time namespace")
    kinds = [*(kind for kind in REAL if kind != "time"), "user"]

    def inside(pid: int) -> Any:
        namespaces.enter(pid, namespaces.FLAGS)
        return [links("self"), socket.gethostname()]

    name = f"box{os.getpid()}"
    with begun(*kinds, script=f"hostname {name}") as pid:
        theirs = links(str(pid))
        now, called = given(story, lambda: inside(pid))["value"]
    # Its own pid namespace a process keeps: entering is for its next child.
    wrong = [kind for kind in FLAGS if kind != "pid" and now[kind] != theirs[kind]]
    story.check(not wrong, f"not entered: {', '.join(wrong)}", "all that differed")
    story.check(called == name, f"the host name is {called}", name)


@pytest.mark.root
def test_task3_a_pid_namespace_is_for_the_next_child() -> None:
    story = Story("enter(PID, {'pid'}), then a fork", "nsenter -t PID --pid sh -c 'echo $$'")

    def numbers(pid: int) -> list[int]:
        before = os.getpid()
        namespaces.enter(pid, {"pid"})
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.write(writer, str(os.getpid()).encode())
            os._exit(0)
        return [before, os.getpid(), int(os.read(reader, 20))]

    with begun("pid") as pid:
        before, after, child = given(story, lambda: numbers(pid))["value"]
    story.check(before == after, f"the caller is now {after}", f"{before}, as before")
    story.check(1 < child < 20, f"its child is {child}", "a small number, not 1: that is taken")


# The real kernel


def links(process: str) -> dict[str, str]:
    return {kind: os.readlink(f"/proc/{process}/ns/{kind}") for kind in FLAGS}


@contextmanager
def begun(*kinds: str, script: str = "") -> Iterator[int]:
    """Run a shell *script*, then a sleep, in new namespaces; yield the sleep's pid; end it."""
    command = ["unshare", "--fork", *map(option, kinds)]
    if "user" in kinds:
        command.append("--map-root-user")
    shell = f"{script}\necho ready; exec sleep 60"
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, "sh", "-c", shell], stdout=pipe, stderr=pipe) as unshare:
        assert unshare.stdout and unshare.stderr
        if unshare.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{command} failed: {unshare.stderr.read().decode()}")
        (pid,) = experiment.children(unshare.pid)
        try:
            yield pid
        finally:
            os.kill(pid, signal.SIGKILL)
            unshare.wait()
