"""Lab 3: the root file system.

    lab check 3              every task
    lab check 3 -k task2     one task
    sudo lab check 3         with the tests on the real kernel (or: unshare -Ur, without sudo)

Without root a table of mounts stands in for the kernel's (course/pretend_mounts.py). The
tests marked root let the kernel decide, on a machine of their own whose mounts are shared
(course/real_mounts.py); what they say comes from /proc/self/mountinfo and from the files.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rootfs

from course import real_mounts
from course.pretend_mount_table import Row
from course.pretend_mounts import Kernel
from course.real_mounts import refusal
from course.story import Story
from mini_docker import syscalls

Mount = rootfs.Mount
TELLING = {  # what an error where none should be gives away
    "nvalid argument": "the wrong descriptor: one that was opened before the mount stands for "
    "what is below it, and that is no mount; open the place anew",
    os.strerror(errno.EBUSY): "MNT_DETACH is missing: the old root is in use, by this very process",
}


def build(folder: Path) -> Path:
    """Fill *folder* with a small root, "box", and a place outside of it."""
    box = folder / "box"
    for name in ("data", "etc", "secrets", "fixed/below"):
        (box / name).mkdir(parents=True)
    (box / "etc" / "os-release").write_text("ID=box\n")
    for name in ("secret", "secrets/key", "fixed/file"):
        (box / name).write_text("of the image\n")
    (folder / "outside").mkdir()
    (folder / "outside" / "file").write_text("of the host\n")
    return box


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return build(tmp_path)


def pretend(
    it: Story, box: Path, call: Callable[[], Any], fails: str = "", **setting: Any
) -> SimpleNamespace:
    """Call on a pretend kernel; return what it then holds. Tell the story of an exception.

    If *fails* is given, call must raise a RootfsError, and *fails* says what it shall name.
    """
    kernel = Kernel(*setting.get("places", ()))
    kernel.refusals = setting.get("refuse", {})
    expected = f"a RootfsError that names {fails}" if fails else "no exception"
    for row in kernel.rows:
        row.propagation = setting.get("propagation", "private")

    def act() -> dict[str, Any]:
        kernel.install()
        before = len(os.listdir("/proc/self/fd"))
        message = ""
        try:
            call()
        except rootfs.RootfsError as error:
            message = f"RootfsError: {error}"
            if not fails:
                raise
        left = len(os.listdir("/proc/self/fd")) - before
        return {**kernel.facts(), "message": message, "left": left}

    outcome = it.run(act)
    if outcome.raised:
        mistake = "".join(text for what, text in TELLING.items() if what in outcome.raised.message)
        it.fail(f"{outcome.raised} ({outcome.raised.where})", expected, mistake)
    it.check(outcome.noted, "the process ended in the middle", "it goes on")
    if fails and not outcome.value["message"]:
        it.fail("no exception", expected, setting.get("mistake", ""))
    rows = [Row(**row) for row in outcome.value.pop("rows")]
    return SimpleNamespace(**outcome.value, rows=rows, at={row.place: row for row in rows})


def real(
    it: Story, tmp_path: Path, call: Callable[[Path], Any], prepare: Callable[[Path], Any] = str
) -> SimpleNamespace:
    """Call with a new root, as a container on a machine of its own; return what was seen."""

    def act() -> dict[str, Any]:
        def fill() -> None:
            prepare(build(tmp_path))

        return real_mounts.on_machine(tmp_path, lambda: call(tmp_path / "box"), fill)

    outcome = it.run(act)
    if outcome.raised:
        it.fail(f"{outcome.raised} ({outcome.raised.where})", "no exception")
    seen = SimpleNamespace(**outcome.value)
    if seen.error not in ("", "RootfsError"):
        it.fail(f"{seen.error}: {seen.message}", "no exception")
    return seen


def succeeded(it: Story, seen: SimpleNamespace) -> Any:
    it.check(not seen.error, f"{seen.error}: {seen.message}", "no exception")
    return seen.value


def names(it: Story, seen: SimpleNamespace, *words: str) -> None:
    for word in words:
        it.check(word in seen.message, f'the message "{seen.message}"', f"it names {word}")


# Task 1: isolate

ISOLATE = "isolate(root), on a machine where every mount is shared"
FINDMNT = "findmnt -o TARGET,PROPAGATION"


def isolated(it: Story, box: Path, **setting: Any) -> SimpleNamespace:
    setting = {"propagation": "shared", "places": ["/proc", "/home"], **setting}
    return pretend(it, box, lambda: rootfs.isolate(str(box)), **setting)


def test_task1_the_machine_s_root_is_private_afterwards(box: Path) -> None:
    it = Story(ISOLATE, FINDMNT)
    how = isolated(it, box).at["/"].propagation
    mistakes = {
        "shared": "no private propagation: what is mounted here appears on the host",
        "slave": "slave is half of it: the host's mounts still come in",
    }
    it.check(how == "private", f'"/" is {how}', '"/" is private', mistakes.get(how, ""))


def test_task1_every_other_mount_is_private_too(box: Path) -> None:
    it = Story(ISOLATE + ': "/", /proc and /home', FINDMNT)
    at = isolated(it, box).at
    it.check(
        at["/proc"].propagation == at["/home"].propagation == "private",
        f"/proc is {at['/proc'].propagation}, /home is {at['/home'].propagation}",
        "both are private",
        'MS_REC is missing: without it only "/" itself is changed',
    )


def test_task1_the_host_sees_nothing_of_it(box: Path) -> None:
    it = Story(ISOLATE, FINDMNT)
    seen = isolated(it, box)
    it.check(
        not seen.host and str(box) in seen.at,
        f"on the host, {'; '.join(seen.host) or 'nothing'}; root mounted: {str(box) in seen.at}",
        "the root is a mount here, and on the host nothing is mounted or unmounted",
        "no private propagation before the bind: the order counts" if seen.host else "",
    )


def test_task1_the_root_becomes_a_mount(box: Path) -> None:
    it = Story(ISOLATE, f"mountpoint {box.name}")
    row = isolated(it, box).at.get(str(box))
    it.check(
        row is not None and row.source == str(box),
        f"at the root there is {row.type + ' from ' + row.source if row else 'no mount'}",
        "the root, bound onto itself",
        "" if row else "the root is not bound onto itself: pivot_root will say EINVAL",
    )


def test_task1_what_is_mounted_below_the_root_comes_along(box: Path) -> None:
    it = Story(ISOLATE + ", with a tmpfs at data in the root", "mount --rbind root root")
    seen = isolated(it, box, places=["/proc", f"{box}/data"])
    it.check(
        f"{box}/data" in seen.at and str(box) in seen.at,
        "the root is bound, and its data is the empty directory below",
        "the tmpfs is still there, inside the bound root",
        "MS_REC is missing at the bind: it takes one mount, not what is mounted in it",
    )


def test_task1_refused_privacy_ends_it_at_once(box: Path) -> None:
    it = Story("isolate(root), and the kernel refuses to make the mounts private")
    seen = isolated(it, box, refuse={"private": errno.EPERM}, fails="the step: private")
    names(it, seen, "private")
    it.check(str(box) not in seen.at, "the root was bound all the same", "nothing is mounted then")


def test_task1_a_refused_bind_names_the_root(box: Path) -> None:
    it = Story("isolate(root), and the kernel refuses the bind")
    seen = isolated(it, box, refuse={"bind": errno.ENOMEM}, fails="the root")
    names(it, seen, str(box))


@pytest.mark.parametrize("step", ["private", "bind"])
def test_task1_the_reason_is_the_kernel_s(box: Path, step: str) -> None:
    it = Story(f"isolate(root), and the kernel refuses the step {step} with ELOOP")
    seen = isolated(it, box, refuse={step: errno.ELOOP}, fails="the reason")
    names(it, seen, os.strerror(errno.ELOOP))


@pytest.mark.root
def test_task1_the_host_keeps_its_proc(tmp_path: Path) -> None:
    it = Story(
        "isolate(root), and a tmpfs mounted over /proc, both in a mount namespace of its own",
        "unshare -m --propagation unchanged mount -t tmpfs x /proc; ls /proc",
    )

    def call(root: Path) -> None:
        rootfs.isolate(str(root))
        syscalls.mount("x", "/proc", "tmpfs")

    seen = real(it, tmp_path, call)
    succeeded(it, seen)
    there = seen.host["/proc"]["type"]
    it.check(
        there == "proc",
        f"the host's own /proc is a {there} now: the mount went through",
        "the host keeps its /proc, whatever is mounted in here",
        "no private propagation",
    )


@pytest.mark.root
def test_task1_the_kernel_lists_the_root_as_a_mount(tmp_path: Path) -> None:
    it = Story("isolate(root)", "findmnt")

    def call(root: Path) -> list[Any]:
        rootfs.isolate(str(root))
        row = real_mounts.table().get(str(root))
        return [row is not None, bool(row and row["shared"]), (root / "data/inner").exists()]

    def prepare(root: Path) -> None:
        syscalls.mount("tmpfs", f"{root}/data", "tmpfs")
        (root / "data/inner").touch()

    is_mount, is_shared, inner = succeeded(it, real(it, tmp_path, call, prepare))
    it.check(is_mount, "/proc/self/mountinfo does not list the root", "it is a mount")
    it.check(not is_shared, "the root is a shared mount", "it is private")
    it.check(inner, "a tmpfs below it is gone", "it came along", "MS_REC is missing at the bind")


# Task 2: mount_all


def mounted(it: Story, box: Path, *mounts: rootfs.Mount, **setting: Any) -> SimpleNamespace:
    return pretend(it, box, lambda: rootfs.mount_all(str(box), mounts), **setting)


def told(mount: rootfs.Mount) -> str:
    words = [repr(mount.target), repr(mount.type), repr(os.path.basename(mount.source))]
    return f"mount_all(root, [Mount({', '.join(words)}, {mount.options})])"


def row_at(it: Story, seen: SimpleNamespace, place: str, mistake: str = "") -> Row:
    row = seen.at.get(place)
    if row is None:
        there = ", ".join(row.place for row in seen.rows if row.place != "/") or "nothing"
        it.fail(f"mounts at: {there}", f"a mount at {place}", mistake)
    return row


def test_task2_a_file_system_is_mounted_at_its_target(box: Path) -> None:
    it = Story(told(Mount("/data", "tmpfs", "scratch")), "mount -t tmpfs scratch root/data")
    seen = mounted(it, box, Mount("/data", "tmpfs", "scratch"))
    row = row_at(it, seen, f"{box}/data")
    it.check(
        (row.type, row.source) == ("tmpfs", "scratch"),
        f"type {row.type}, source {row.source}",
        "type tmpfs, source scratch",
    )


def test_task2_words_become_flags(box: Path) -> None:
    mount = Mount("/data", "tmpfs", "tmpfs", ["nosuid", "nodev", "ro"])
    it = Story(told(mount), "mount -t tmpfs -o nosuid,nodev,ro tmpfs root/data")
    row = row_at(it, mounted(it, box, mount), f"{box}/data")
    it.check(
        sorted(row.words) == ["nodev", "nosuid", "ro"], f"the flags {row.words}", "those three"
    )


def test_task2_other_words_go_to_the_file_system(box: Path) -> None:
    mount = Mount("/data", "tmpfs", "tmpfs", ["nosuid", "mode=1777", "size=64k"])
    it = Story(told(mount), "mount -t tmpfs -o mode=1777,size=64k tmpfs root/data")
    data = row_at(it, mounted(it, box, mount), f"{box}/data").data
    it.check(data == "mode=1777,size=64k", f"the data {data!r}", "'mode=1777,size=64k'")


def test_task2_all_are_mounted_in_their_order(box: Path) -> None:
    mounts = [Mount("/dev", "tmpfs"), Mount("/dev/shm", "tmpfs"), Mount("/dev/shm/a", "tmpfs")]
    it = Story("mount_all(root, [/dev, /dev/shm, /dev/shm/a])", "findmnt -R root/dev")
    places = [row.place.removeprefix(str(box)) for row in mounted(it, box, *mounts).rows][1:]
    it.check(
        places == ["/dev", "/dev/shm", "/dev/shm/a"],
        f"visible in the end: {', '.join(places) or 'nothing'}",
        "all three: a later mount lies inside an earlier one",
        "the wrong order: a mount covers what was mounted below it before" if places else "",
    )


def test_task2_a_missing_target_is_made(box: Path) -> None:
    it = Story(told(Mount("/new/place", "tmpfs")), "mkdir -p root/new/place")
    row_at(it, mounted(it, box, Mount("/new/place", "tmpfs")), f"{box}/new/place")


def test_task2_a_file_is_bound_to_a_file(box: Path) -> None:
    mount = Mount("/etc/hosts", "bind", f"{box.parent}/outside/file", ["bind"])
    it = Story(told(mount), "touch root/etc/hosts; mount --bind outside/file root/etc/hosts")
    row_at(it, mounted(it, box, mount), f"{box}/etc/hosts")
    it.check((box / "etc/hosts").is_file(), "/etc/hosts is a directory", "it is a file")


def test_task2_a_bind_shows_its_source(box: Path) -> None:
    mount = Mount("/data", "bind", f"{box.parent}/outside", ["rbind"])
    it = Story(told(mount), "mount --rbind outside root/data")
    row = row_at(it, mounted(it, box, mount), f"{box}/data")
    it.check(row.type == "bind", f"a mount of type {row.type}", "a bind of the source")


def bound(it: Story, box: Path, mount: rootfs.Mount) -> Row:
    return row_at(it, mounted(it, box, mount), f"{box}/data")


def test_task2_a_read_only_bind_is_read_only(box: Path) -> None:
    mount = Mount("/data", "bind", f"{box.parent}/outside", ["bind", "ro"])
    it = Story(told(mount), "findmnt -o TARGET,OPTIONS")
    it.check(
        "ro" in bound(it, box, mount).words,
        "the bind is writable",
        "it is read-only",
        "no remount: a bind ignores MS_RDONLY and its like, they take a second call",
    )


def test_task2_every_flag_of_a_bind_arrives(box: Path) -> None:
    mount = Mount("/data", "bind", f"{box.parent}/outside", ["bind", "nosuid", "nodev", "noexec"])
    it = Story(told(mount), "findmnt -o TARGET,OPTIONS")
    words = sorted(bound(it, box, mount).words)
    it.check(
        words == ["nodev", "noexec", "nosuid"],
        f"the flags {', '.join(words) or 'none'}",
        "all three",
        "no remount: a bind ignores its flags" if not words else "",
    )


def test_task2_a_remount_changes_the_mount_and_not_the_file_system(box: Path) -> None:
    mount = Mount("/data", "bind", f"{box.parent}/outside", ["bind", "ro"])
    it = Story(told(mount), "findmnt -o TARGET,OPTIONS,FS-OPTIONS")
    seen = mounted(it, box, mount)
    it.check(
        not seen.host and "ro" in row_at(it, seen, f"{box}/data").words,
        "; ".join(seen.host) or "the bind is writable",
        "the bind alone is read-only: MS_BIND goes with MS_REMOUNT",
        "MS_REMOUNT without MS_BIND: the host's file system itself turns read-only"
        if seen.host
        else "no remount",
    )


@pytest.mark.parametrize(("word", "kind"), [("private", "private"), ("rshared", "shared")])
def test_task2_propagation_is_a_call_of_its_own(box: Path, word: str, kind: str) -> None:
    mount = Mount("/data", "bind", f"{box.parent}/outside", ["bind", word])
    it = Story(told(mount), f"mount --make-{word} root/data")
    other = "private" if kind == "shared" else "shared"
    seen = mounted(it, box, mount, propagation=other)
    how = row_at(it, seen, f"{box}/data").propagation
    it.check(
        how == kind,
        f"the mount is {how}",
        f"it is {kind}",
        "the propagation is lost: it takes a mount call with nothing else in it",
    )


def test_task2_a_link_in_the_root_does_not_lead_out(box: Path) -> None:
    (box / "link").symlink_to(f"{box.parent}/outside")
    it = Story("mount_all(root, [Mount('/link', 'tmpfs')]); in the root, /link -> .../outside")
    seen = mounted(it, box, Mount("/link", "tmpfs"))
    out = f"{box.parent}/outside"
    mistake = "a link leads out: mount on the descriptor's alias(), never on root + target"
    it.check(
        out not in seen.at, f"a mount at {out}, on the host's side", "inside the root", mistake
    )
    row_at(it, seen, f"{box}{out}", mistake)


def test_task2_dots_do_not_lead_out(box: Path) -> None:
    target = "/../../outside"
    it = Story(f"mount_all(root, [Mount('{target}', 'tmpfs')])")
    seen = mounted(it, box, Mount(target, "tmpfs"))
    row_at(it, seen, f"{box}/outside", '".." leads out of the root: use mount_point() and alias()')


def test_task2_a_source_that_is_not_there_leaves_no_trace(box: Path) -> None:
    mount = Mount("/new", "bind", f"{box.parent}/nowhere", ["bind"])
    it = Story(told(mount))
    seen = mounted(it, box, Mount("/data", "tmpfs"), mount, fails=mount.source)
    names(it, seen, mount.source)
    row_at(it, seen, f"{box}/data")
    it.check(not (box / "new").exists(), "/new was made in the root", "nothing is made for it")


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EACCES, os.strerror(errno.EACCES)), (errno.ENODEV, "proc")]
)
def test_task2_a_refused_mount_names_target_and_reason(box: Path, number: int, words: str) -> None:
    it = Story(f"mount_all(root, [Mount('/p', 'proc')]); the kernel says {os.strerror(number)}")
    seen = mounted(it, box, Mount("/p", "proc"), refuse={"proc": number}, fails="/p")
    names(it, seen, "/p", words)


def test_task2_a_refused_remount_is_no_success(box: Path) -> None:
    mount = Mount("/data", "bind", f"{box.parent}/outside", ["bind", "ro"])
    it = Story(told(mount) + "; the kernel refuses the remount")
    names(it, mounted(it, box, mount, refuse={"remount": errno.EPERM}, fails="/data"), "/data")


def test_task2_the_first_refusal_ends_it(box: Path) -> None:
    mounts = [Mount("/data", "tmpfs"), Mount("/p", "proc"), Mount("/etc", "tmpfs")]
    it = Story("mount_all(root, [/data, /p, /etc]); the kernel refuses the second")
    seen = mounted(it, box, *mounts, refuse={"proc": errno.EPERM}, fails="/p")
    places = [row.place.removeprefix(str(box)) for row in seen.rows][1:]
    it.check(places == ["/data"], f"mounted: {', '.join(places) or 'nothing'}", "/data alone")


def test_task2_no_descriptor_stays_open(box: Path) -> None:
    mounts = [Mount("/a", "tmpfs"), Mount("/b", "bind", f"{box.parent}/outside", ["bind", "ro"])]
    it = Story("mount_all(root, [a tmpfs, a read-only bind])", "ls -l /proc/self/fd")
    seen = mounted(it, box, *mounts)
    row_at(it, seen, f"{box}/b")
    it.check(seen.left == 0, f"{seen.left} more open descriptors than before", "none more")


@pytest.mark.root
def test_task2_the_kernel_shows_its_files(tmp_path: Path) -> None:
    it = Story("mount_all(root, [proc at /proc, a tmpfs of 64 KiB at /dev])", "findmnt -R root")

    def call(root: Path) -> list[Any]:
        mounts = [
            Mount("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
            Mount("/dev", "tmpfs", "tmpfs", ["nosuid", "mode=755", "size=64k"]),
        ]
        rootfs.mount_all(str(root), mounts)
        proc = real_mounts.table()[f"{root}/proc"]
        size = os.statvfs(root / "dev")
        return [os.readlink(root / "proc/self"), proc["options"], size.f_blocks * size.f_frsize]

    me, options, size = succeeded(it, real(it, tmp_path, call))
    it.check(me == "1", f"its /proc/self is process {me}", "process 1: the /proc of this namespace")
    it.check({"nosuid", "noexec", "nodev"} <= {*options}, f"/proc is {options}", "as was asked")
    it.check(size == 65536, f"/dev has {size} bytes", "65536: the size= word arrived")


@pytest.mark.root
def test_task2_the_kernel_refuses_a_write_through_a_read_only_bind(tmp_path: Path) -> None:
    mount = Mount("/data", "bind", f"{tmp_path}/outside", ["bind", "ro", "nosuid"])
    it = Story(told(mount), "touch root/data/new")

    def call(root: Path) -> list[Any]:
        rootfs.mount_all(str(root), [mount])
        text = (root / "data/file").read_text()
        return [text, refusal((root / "data/new").touch), refusal((tmp_path / "outside/n").touch)]

    text, inside, outside = succeeded(it, real(it, tmp_path, call))
    it.check(text == "of the host\n", f"/data/file reads {text!r}", "the source's file")
    it.check(
        inside == os.strerror(errno.EROFS),
        f"a write to /data: {inside or 'accepted'}",
        os.strerror(errno.EROFS),
        "no remount: a bind ignores MS_RDONLY",
    )
    it.check(not outside, f"a write to the source itself: {outside}", "accepted, as before")


# Task 3: hide


def hidden(
    it: Story, box: Path, masked: list[str], read_only: list[str], **setting: Any
) -> SimpleNamespace:
    return pretend(it, box, lambda: rootfs.hide(str(box), masked, read_only), **setting)


def test_task3_a_masked_file_shows_dev_null(box: Path) -> None:
    it = Story("hide(root, ['/secret'], [])", "mount --bind /dev/null root/secret")
    row = row_at(it, hidden(it, box, ["/secret"], []), f"{box}/secret")
    it.check(row.source == "/dev/null", f"what covers it is {row.source}", "/dev/null")


def test_task3_a_mask_is_not_the_image_s_choice(box: Path) -> None:
    (box / "dev").mkdir()
    (box / "dev/null").write_text("not a device at all\n")
    it = Story("hide(root, ['/secret'], []); the image has a plain file at /dev/null")
    row = row_at(it, hidden(it, box, ["/secret"], []), f"{box}/secret")
    it.check(
        row.source == "/dev/null",
        f"what covers it is {row.source.removeprefix(str(box.parent))}, the image's file",
        "the host's /dev/null",
        "the mask comes from the image",
    )


def test_task3_a_masked_directory_is_an_empty_one(box: Path) -> None:
    it = Story("hide(root, ['/secrets'], [])", "mount -t tmpfs -o ro tmpfs root/secrets")
    row = row_at(it, hidden(it, box, ["/secrets"], []), f"{box}/secrets")
    it.check(row.type == "tmpfs", f"what covers it is of type {row.type}", "an empty tmpfs")


def test_task3_nothing_can_be_written_into_a_masked_directory(box: Path) -> None:
    it = Story("hide(root, ['/secrets'], [])", "touch root/secrets/new")
    row = row_at(it, hidden(it, box, ["/secrets"], []), f"{box}/secrets")
    it.check(
        "ro" in row.words,
        "the tmpfs over it is writable",
        "it is read-only",
        "a writable mask: without MS_RDONLY a container fills the host's memory there",
    )


def test_task3_a_read_only_path_keeps_its_files(box: Path) -> None:
    it = Story("hide(root, [], ['/fixed'])", "mount --bind root/fixed root/fixed")
    row = row_at(it, hidden(it, box, [], ["/fixed"]), f"{box}/fixed")
    it.check(
        row.source == f"{box}/fixed",
        f"what covers it is {row.source}",
        "itself: who may read it still can",
        "read-only mixed up with masked" if row.type == "tmpfs" else "",
    )


def test_task3_a_read_only_path_is_read_only(box: Path) -> None:
    it = Story("hide(root, [], ['/fixed', '/secret'])", "touch root/fixed/new")
    seen = hidden(it, box, [], ["/fixed", "/secret"])
    for place in (f"{box}/fixed", f"{box}/secret"):
        it.check(
            "ro" in row_at(it, seen, place).words,
            f"{place.removeprefix(str(box))} is a bind, and writable",
            "it is read-only",
            "no remount: a bind alone changes nothing about who may write",
        )


def test_task3_what_is_mounted_in_a_read_only_path_stays(box: Path) -> None:
    it = Story("hide(root, [], ['/fixed']), with a tmpfs at /fixed/below", "findmnt -R root/fixed")
    seen = hidden(it, box, [], ["/fixed"], places=[f"{box}/fixed/below"])
    row_at(it, seen, f"{box}/fixed")
    row_at(it, seen, f"{box}/fixed/below", "MS_REC is missing at the bind")


def test_task3_what_this_kernel_lacks_needs_nothing(box: Path) -> None:
    it = Story("hide(root, ['/absent', '/secret/below', '/secrets'], ['/gone', '/fixed'])")
    seen = hidden(it, box, ["/absent", "/secret/below", "/secrets"], ["/gone", "/fixed"])
    row_at(it, seen, f"{box}/secrets", "a path that is missing ends the work on all others")
    row_at(it, seen, f"{box}/fixed", "a path that is missing ends the work on all others")
    made = [name for name in ("absent", "gone") if (box / name).exists()]
    it.check(not made, f"made in the root: {made}", "nothing is made")


def test_task3_nothing_else_is_touched(box: Path) -> None:
    it = Story("hide(root, ['/secret'], ['/fixed'])", "findmnt -R root")
    places = {
        row.place.removeprefix(str(box)) for row in hidden(it, box, ["/secret"], ["/fixed"]).rows
    }
    it.check(places == {"/", "/secret", "/fixed"}, f"mounts at {sorted(places)}", "those two")


@pytest.mark.parametrize("how", ["masked", "read-only"])
def test_task3_a_link_is_refused_by_name(box: Path, how: str) -> None:
    (box / "trap").symlink_to("/secrets")
    it = Story(f"hide of the {how} path /trap; in the root, /trap -> /secrets")
    lists = (["/trap"], []) if how == "masked" else ([], ["/trap"])
    seen = hidden(it, box, *lists, fails="/trap", mistake="a link is followed")
    names(it, seen, "/trap")
    it.check(
        len(seen.rows) == 1,
        "something was mounted through the link",
        "nothing",
        "a link is followed",
    )


def test_task3_a_link_on_the_way_does_not_lead_out(box: Path) -> None:
    (box / "proc").symlink_to(f"{box.parent}/outside")
    it = Story("hide(root, ['/proc/file'], []); in the root, /proc -> .../outside")
    seen = hidden(it, box, ["/proc/file"], [], fails="/proc/file", mistake="a link is followed")
    names(it, seen, "/proc/file")
    it.check(
        len(seen.rows) == 1,
        f"a mount at {seen.rows[-1].place}",
        "nothing is mounted",
        "a link is followed, out of the root",
    )


@pytest.mark.parametrize("path", ["/secret", "/secrets", "/fixed"])
def test_task3_a_refused_mount_names_the_path(box: Path, path: str) -> None:
    lists = ([], [path]) if path == "/fixed" else ([path], [])
    it = Story(f"hide(root, {lists[0]}, {lists[1]}), and the kernel refuses the mount")
    seen = hidden(it, box, *lists, refuse={path: errno.EPERM}, fails=path)
    names(it, seen, path, os.strerror(errno.EPERM))


def test_task3_no_descriptor_stays_open(box: Path) -> None:
    it = Story("hide(root, ['/secret', '/secrets'], ['/fixed'])", "ls -l /proc/self/fd")
    seen = hidden(it, box, ["/secret", "/secrets"], ["/fixed"])
    row_at(it, seen, f"{box}/fixed")
    it.check(seen.left == 0, f"{seen.left} more open descriptors than before", "none more")


@pytest.mark.root
def test_task3_the_kernel_hides_and_refuses(tmp_path: Path) -> None:
    it = Story(
        "hide(root, ['/secret', '/secrets'], ['/fixed'])", "cat root/secret; touch root/fixed/new"
    )

    def call(root: Path) -> list[Any]:
        rootfs.hide(str(root), ["/secret", "/secrets"], ["/fixed"])
        writes = [refusal((root / name).touch) for name in ("secrets/new", "fixed/new")]
        texts = [(root / name).read_text() for name in ("secret", "fixed/file")]
        return [*texts, os.listdir(root / "secrets"), *writes]

    secret, fixed, listing, mask, write = succeeded(it, real(it, tmp_path, call))
    read_only = os.strerror(errno.EROFS)
    it.check(secret == "", f"/secret reads {secret!r}", "nothing")
    it.check(listing == [], f"/secrets holds {listing}", "nothing")
    it.check(fixed == "of the image\n", f"/fixed/file reads {fixed!r}", "what the image has there")
    it.check(mask == read_only, f"a write to /secrets: {mask or 'accepted'}", read_only)
    it.check(
        write == read_only, f"a write to /fixed: {write or 'accepted'}", read_only, "no remount"
    )


@pytest.mark.root
def test_task3_the_kernel_s_own_files_can_be_hidden(tmp_path: Path) -> None:
    it = Story(
        "hide(root, ['/proc/version'], ['/proc/sys']), with /proc mounted", "findmnt -R root"
    )

    def call(root: Path) -> list[Any]:
        (root / "proc").mkdir()
        syscalls.mount("proc", f"{root}/proc", "proc")
        rootfs.hide(str(root), ["/proc/version", "/proc/scsi/none"], ["/proc/sys"])
        return [
            (root / "proc/version").read_text(),
            real_mounts.table()[f"{root}/proc/sys"]["options"],
        ]

    version, options = succeeded(it, real(it, tmp_path, call))
    it.check(version == "", f"/proc/version reads {version!r}", "nothing")
    it.check("ro" in options, f"/proc/sys is mounted {','.join(options)}", "ro")


# Task 4: pivot

PIVOT = "pivot(root); the root is a private mount"


def pivoted(it: Story, box: Path, **setting: Any) -> SimpleNamespace:
    return pretend(it, box, lambda: rootfs.pivot(str(box)), **{"places": [str(box)], **setting})


def test_task4_the_root_is_the_new_one(box: Path) -> None:
    it = Story(PIVOT, "pivot_root . .")
    seen = pivoted(it, box)
    mistake = "chroot in place of pivot_root: the old root stays where a process can find it"
    it.check(
        seen.root == str(box) and seen.pivoted,
        f'"/" is {"the new root" if seen.root == str(box) else "the old one"}, '
        + ("by chroot" if seen.chrooted else "without a pivot"),
        "the new root, by pivot_root",
        mistake if seen.chrooted else "",
    )


def test_task4_the_old_root_is_gone(box: Path) -> None:
    it = Story(PIVOT, "umount -l .")
    seen = pivoted(it, box)
    where = (seen.old_root or "").removeprefix(str(box)) or "/"
    it.check(
        seen.pivoted and seen.old_root is None,
        f"the old root lies at {where}" if seen.pivoted else "no pivot_root",
        "it is detached, and nowhere",
        "the old root is never unmounted: all of the host's files are still there"
        if seen.pivoted
        else "",
    )


def test_task4_it_ends_in_the_new_root_s_directory(box: Path) -> None:
    it = Story(PIVOT + "; the caller's working directory is somewhere else", "pwd")
    seen = pivoted(it, box)
    it.check(
        seen.cwd == str(box) and seen.pivoted,
        f"the working directory is {seen.cwd}",
        '"/" of the new root',
        "the working directory stays outside: a way back to the host's files",
    )


def test_task4_nothing_is_left_in_the_root(box: Path) -> None:
    before = sorted(os.listdir(box))
    it = Story(PIVOT, "ls root")
    seen = pivoted(it, box)
    more = sorted({*os.listdir(box)} - {*before})
    it.check(
        seen.pivoted and not more,
        f"new in the root: {', '.join(more)}" if more else "no pivot_root",
        "nothing: an image that is read-only has no room for the old root's directory",
    )


def test_task4_a_root_that_is_no_mount_is_explained(box: Path) -> None:
    it = Story("pivot(root), where the root is no mount", "mount --bind root root")
    seen = pivoted(it, box, places=[], fails=str(box))
    names(it, seen, str(box), "not a mount")


def test_task4_a_shared_root_is_explained(box: Path) -> None:
    it = Story("pivot(root), where the mounts are shared", "mount --make-rprivate /")
    seen = pivoted(it, box, propagation="shared", fails=str(box))
    names(it, seen, "shared")


def test_task4_another_refusal_keeps_the_kernel_s_reason(box: Path) -> None:
    it = Story("pivot(root), and the kernel says EPERM")
    seen = pivoted(it, box, refuse={"pivot_root": errno.EPERM}, fails=str(box))
    names(it, seen, str(box), os.strerror(errno.EPERM))


def test_task4_an_old_root_that_will_not_go_is_an_error(box: Path) -> None:
    it = Story("pivot(root), and the kernel refuses to unmount the old root")
    seen = pivoted(it, box, refuse={"umount": errno.EPERM}, fails=str(box))
    names(it, seen, str(box))


def test_task4_a_root_that_is_not_there_is_an_error(box: Path) -> None:
    it = Story("pivot(root), where there is no such directory")
    missing = Path(f"{box}-missing")
    seen = pretend(it, missing, lambda: rootfs.pivot(str(missing)), fails=str(missing))
    names(it, seen, str(missing))


def bind(root: Path) -> None:
    """Make *root* a private mount, and mount a /proc in it: what pivot finds."""
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount(str(root), str(root), None, syscalls.MS_BIND | syscalls.MS_REC)
    (root / "proc").mkdir()
    syscalls.mount("proc", f"{root}/proc", "proc")


def climb() -> None:
    """The classic way out of a chroot."""
    os.mkdir("jail")
    os.chroot("jail")  # moves the root, and leaves the working directory above it
    for _ in range(64):
        os.chdir("..")  # nothing stops us: we never pass our own root
    os.chroot(".")


@pytest.mark.root
def test_task4_the_kernel_shows_only_the_new_root(tmp_path: Path) -> None:
    it = Story(PIVOT, "ls /; cat /proc/self/mountinfo")

    def call(root: Path) -> list[Any]:
        bind(root)
        rootfs.pivot(str(root))
        return [sorted(os.listdir("/")), os.getcwd(), sorted(real_mounts.table())]

    files, here, places = succeeded(it, real(it, tmp_path, call))
    it.check("os-release" not in files and "etc" in files, f'"/" holds {files}', "the new root")
    it.check(here == "/", f"the working directory is {here}", "/")
    it.check(
        places == ["/", "/proc"],
        f"mounted: {', '.join(places[:6])}",
        "the new root and its /proc",
        "the old root is never unmounted" if len(places) > 2 else "",
    )


@pytest.mark.root
def test_task4_the_classic_escape_fails(tmp_path: Path) -> None:
    it = Story(
        PIVOT + "; then mkdir jail, chroot jail, chdir .. sixty-four times, chroot .",
        "see the chapter, Break it",
    )

    def call(root: Path) -> list[str]:
        bind(root)
        rootfs.pivot(str(root))
        climb()
        return sorted(os.listdir("/"))

    files = succeeded(it, real(it, tmp_path, call))
    it.check(
        "jail" in files and "secret" in files,
        f"the climber's \"/\" is the host's: {', '.join(files[:8])}",
        "it is the container's own root still: above that there is nothing",
        "chroot in place of pivot_root, or the old root never unmounted",
    )


@pytest.mark.root
def test_task4_the_kernel_s_invalid_argument_gets_a_reason(tmp_path: Path) -> None:
    it = Story("pivot(root), straight on the machine: no mount, and everything shared")
    seen = real(it, tmp_path, lambda root: rootfs.pivot(str(root)))
    it.check(seen.error == "RootfsError", "no exception", "a RootfsError")
    names(it, seen, str(tmp_path / "box"), "not a mount")
