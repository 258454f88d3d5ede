"""Lab 8: layers.

    lab check 8              every task
    lab check 8 -k task1     one task
    sudo lab check 8         on real overlays as well

Layers are real directories here: anybody may make a whiteout, and the mark of an opaque
directory that needs no root. Only the mount is pretended. What was packed is read with
Python's tarfile, and so is written what has to be applied.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import socket
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import layers
import pytest

from course import machine
from course.pretend_layers import Kernel
from course.story import Story
from mini_docker import layers_options, layers_tar, layers_tree, syscalls
from mini_docker.errors import LayerError
from mini_docker.layers_stack import Stack
from mini_docker.layers_tar_write import Writer

WHEN = 1_700_000_000_123_456_789  # when every file of these trees was written, in nanoseconds
GONE, OPAQUE = "(a whiteout)", "(opaque)"
MARK = "user.overlay.opaque"
BARE = "the kernel's own error came through: catch OSError and raise LayerError from it"
SECRET = "root:secret\n"


def make(folder: Path, files: dict[str, str], mark: str = MARK) -> Path:
    """Make *files* below *folder*: name to text, GONE, "-> TARGET"; "NAME/" to "" or OPAQUE."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        _make(folder / name, name.endswith("/"), text, mark)
    for above, folders, names in os.walk(folder):
        for path in (Path(above, name) for name in folders + names):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
            os.utime(path, ns=(WHEN, WHEN), follow_symlinks=False)
    return folder


def _make(path: Path, directory: bool, text: str, mark: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if directory:
        path.mkdir(exist_ok=True)
        if text == OPAQUE:
            os.setxattr(path, mark, b"y")
    elif text == GONE:
        os.mknod(path, stat.S_IFCHR, 0)
    elif text.startswith("-> "):
        path.symlink_to(text[3:])
    else:
        path.write_text(text)
        path.chmod(0o644)


def told(files: dict[str, str]) -> str:
    """Say what *files* are, for a story."""
    parts = [
        f"{name} {text}" if text in (GONE, OPAQUE) or text.startswith("-> ") else name
        for name, text in files.items()
    ]
    return ", ".join(parts) or "nothing"


def see(story: Story, call: Callable[[], Any]) -> dict[str, Any]:
    """Make *call* in a process of its own; return what it gave, or which error."""

    def work() -> dict[str, Any]:
        seen: dict[str, Any] = {"value": None, "error": "", "message": "", "fits": False}
        seen["os"] = False
        try:
            seen["value"] = call()
        except NotImplementedError:
            raise
        except Exception as error:
            seen |= {"error": type(error).__name__, "message": str(error)}
            seen |= {"fits": isinstance(error, LayerError), "os": isinstance(error, OSError)}
        return seen

    return dict(story.value(work))


def given(story: Story, call: Callable[[], Any], mistake: str = "") -> Any:
    """As see(), for a call that has no reason to fail; return its value."""
    seen = see(story, call)
    saw = f"{seen['error']}: {seen['message']}"
    story.check(not seen["error"], saw, "no exception: nothing was refused", mistake)
    return seen["value"]


def refused(story: Story, seen: dict[str, Any], *words: str, mistake: str = "") -> None:
    """Check that what see() saw is LayerError with *words* in its message."""
    expected = "LayerError" + (f", with {' and '.join(map(repr, words))} in it" if words else "")
    if not seen["error"]:
        story.fail("no error", expected, mistake)
    saw = f"{seen['error']}: {seen['message']}"
    story.check(seen["fits"], saw, expected, BARE if seen["os"] else "")
    for word in words:
        story.check(word in seen["message"], saw, expected, f"the message leaves out {word!r}")


# Task 1: mount


def stack_of(folder: Path, count: int, width: int = 6) -> list[str]:
    """Make *count* directories with names of *width* letters; return their paths."""
    found = [str(folder / f"{number:0{width}}") for number in range(count)]
    for path in found:
        os.makedirs(path)
    return found


def mounted(
    folder: Path, lowers: list[str], words: list[str] | None = None, refusal: int = 0
) -> tuple[Story, dict[str, Any]]:
    """Call mount() under the pretend kernel; return the story, and what was seen.

    Seen are "mounts", what the kernel took, and what the caller had before and after.
    """
    few = ", ".join(short(path) for path in lowers[:3])
    more = ", ..." if len(lowers) > 3 else ""
    kernel = Kernel(refusal)

    def call() -> Any:
        kernel.install()
        before = os.getcwd(), sorted(os.listdir("/proc/self/fd"))
        error = None
        try:
            places: Any = [str(folder / name) for name in ("upper", "work", "m")]
            layers.mount(lowers, *places, *([] if words is None else [words]))
        except NotImplementedError:
            raise
        except Exception as caught:
            error = caught
        after = os.getcwd(), sorted(os.listdir("/proc/self/fd"))
        for it in kernel.mounts:  # 500 whole paths are more than the pipe of an experiment holds
            it["lowers"] = [path.removeprefix(f"{folder}/") for path in it["lowers"]]
        seen = {"mounts": kernel.mounts, "tried": kernel.tried, "before": before, "after": after}
        return {
            **seen,
            "error": type(error).__name__ if error else "",
            "message": str(error) if error else "",
            "fits": isinstance(error, LayerError),
            "os": isinstance(error, OSError),
        }

    hand = "mount -t overlay overlay -o lowerdir=TOP:...:BOTTOM,upperdir=...,workdir=... merged"
    story = Story(f"mount([{few}{more}], upper, work, m), {len(lowers)} lower layers", hand)
    return story, given(story, call)


CUT = (
    "mount(2) takes one page of options, the rest is cut off without a word: layers went missing "
    "or have half a name"
)


def taken(story: Story, seen: dict[str, Any]) -> dict[str, Any]:
    """Return the one mount that was made."""
    saw = f"{seen['error']}: {seen['message']}"
    story.check(not seen["error"], saw, "no exception", CUT if "No such file" in saw else "")
    story.check(len(seen["mounts"]) == 1, f"{len(seen['mounts'])} mounts were made", "one mount")
    return dict(seen["mounts"][0])


def same(story: Story, it: dict[str, Any], paths: list[str]) -> None:
    """Check that the lower layers of the mount *it* are *paths*, in this order."""
    lowers, wrong = [os.path.basename(path) for path in paths], ""
    if it["lowers"] == lowers[::-1] and len(lowers) > 1:
        wrong = "the layers are upside down: lowerdir has the topmost first, as the list has"
    elif it["length"] > 4096:
        wrong = CUT
    saw = f"{len(it['lowers'])} lower layers: " + ", ".join(map(short, it["lowers"][:3]))
    expected = f"{len(lowers)}: " + ", ".join(map(short, lowers[:3]))
    story.check(it["lowers"] == lowers, saw, expected, wrong)


def short(path: str) -> str:
    name = os.path.basename(path)
    return name if len(name) < 30 else f"{name[:6]}...{name[-6:]}"


def test_task1_the_first_layer_of_the_list_is_the_topmost(tmp_path: Path) -> None:
    lowers = stack_of(tmp_path, 3)
    story, seen = mounted(tmp_path, lowers)
    same(story, taken(story, seen), lowers)


def test_task1_a_single_layer_is_a_stack_too(tmp_path: Path) -> None:
    lowers = stack_of(tmp_path, 1)
    story, seen = mounted(tmp_path, lowers)
    same(story, taken(story, seen), lowers)


def test_task1_upper_and_work_are_where_the_caller_says(tmp_path: Path) -> None:
    story, seen = mounted(tmp_path, stack_of(tmp_path, 2))
    it = taken(story, seen)
    saw = f"upperdir={it['upper']}, workdir={it['work']}"
    expected = f"upperdir={tmp_path}/upper, workdir={tmp_path}/work"
    mistake = "upper and work were exchanged" if it["upper"].endswith("work") else ""
    if not it["upper"]:
        mistake = "without an upper directory the tree is read-only"
    story.check(f"upperdir={it['upper']}, workdir={it['work']}" == expected, saw, expected, mistake)


def test_task1_it_is_an_overlay_at_the_target_without_flags(tmp_path: Path) -> None:
    story, seen = mounted(tmp_path, stack_of(tmp_path, 2))
    it = taken(story, seen)
    saw = f"type {it['type']!r}, target {it['target']}, flags {it['flags']}"
    good = (it["type"], it["target"], it["flags"]) == ("overlay", f"{tmp_path}/m", 0)
    story.check(good, saw, f"type 'overlay', target {tmp_path}/m, flags 0")


def test_task1_words_go_along_as_options(tmp_path: Path) -> None:
    story, seen = mounted(tmp_path, stack_of(tmp_path, 2), ["index=off", "userxattr"])
    it = taken(story, seen)
    saw = f"besides the directories: {', '.join(it['words']) or 'nothing'}"
    expected = "index=off, userxattr"
    dropped = "*words* are options of the same mount: options() puts them behind the directories"
    story.check(it["words"] == ["index=off", "userxattr"], saw, expected, dropped)


def test_task1_without_words_the_engines_own_options_hold(tmp_path: Path) -> None:
    story, seen = mounted(tmp_path, stack_of(tmp_path, 2))
    it = taken(story, seen)
    saw = f"besides the directories: {', '.join(it['words']) or 'nothing'}"
    story.check(it["words"] == list(layers_options.OPTIONS), saw, ", ".join(layers_options.OPTIONS))


@pytest.mark.parametrize("sign", [":", ",", "\\"])
def test_task1_a_sign_of_the_option_syntax_in_a_path_is_only_a_sign(
    tmp_path: Path, sign: str
) -> None:
    lowers = stack_of(tmp_path / f"a{sign}b", 2)
    story, seen = mounted(tmp_path, lowers)
    bare = f"a {sign!r} in a path was taken for syntax: options() puts a backslash before it"
    story.check(not seen["error"], f"{seen['error']}: {seen['message']}", "no exception", bare)
    it = taken(story, seen)
    expected = [path.removeprefix(f"{tmp_path}/") for path in lowers]
    story.check(it["lowers"] == expected, f"the layers are {it['lowers']}", f"{expected}", bare)


@pytest.mark.parametrize("count", [40, 500])
def test_task1_a_stack_too_long_for_a_page_has_all_its_layers(tmp_path: Path, count: int) -> None:
    lowers = stack_of(tmp_path, count, width=100)
    story, seen = mounted(tmp_path, lowers)
    it = taken(story, seen)
    wordy = "/proc/self/fd/7 for each layer is still too long: make that directory the current one"
    mistake = wordy if it["first"].startswith("/proc") else CUT
    saw = f"{it['length']} bytes of options"
    story.check(it["length"] <= 4096, saw, "at most 4096, with the null byte", mistake)
    same(story, it, lowers)


def test_task1_options_of_exactly_one_page_are_too_long_without_their_end(tmp_path: Path) -> None:
    lowers = stack_of(tmp_path, 20, width=100)
    empty = len(layers_options.options(lowers, str(tmp_path / "upper"), str(tmp_path / "work"), []))
    word = "x" * (4096 - empty - 1)
    story, seen = mounted(tmp_path, lowers, [word])
    it = taken(story, seen)
    saw = f"the options have {it['length']} bytes with the null byte, the last one was cut off"
    mistake = "the null byte counts: 4095 bytes of options are the most"
    story.check(it["length"] <= 4096 and it["words"] == [word], saw, "short names", mistake)


def test_task1_a_page_is_measured_in_bytes_and_not_in_letters(tmp_path: Path) -> None:
    lowers = stack_of(tmp_path / ("\u00fc" * 20), 20, width=80)
    places = str(tmp_path / "upper"), str(tmp_path / "work")
    word = "x" * (4000 - len(layers_options.options(lowers, *places, [""])))
    story, seen = mounted(tmp_path, lowers, [word])
    it = taken(story, seen)
    letters = "4000 letters, an \u00fc among them takes two bytes: it is bytes that mount(2) counts"
    saw = f"{it['length']} bytes of options, with the null byte"
    story.check(it["length"] <= 4096, saw, "at most 4096", letters)
    story.check(it["words"] == [word], "the last word was cut off", "all of it", letters)
    story.check(len(it["lowers"]) == 20, f"{len(it['lowers'])} lower layers", "20", letters)


@pytest.mark.parametrize(("count", "width"), [(2, 6), (60, 120)])
def test_task1_afterwards_we_are_where_we_were(tmp_path: Path, count: int, width: int) -> None:
    story, seen = mounted(tmp_path, stack_of(tmp_path, count, width))
    taken(story, seen)
    stayed(story, seen)


def stayed(story: Story, seen: dict[str, Any]) -> None:
    (where, _), (now, _) = seen["before"], seen["after"]
    lost = "the working directory was changed for the mount and not changed back"
    story.check(where == now, f"the working directory is {now}", where, lost)


def test_task1_we_are_back_even_where_no_path_leads(tmp_path: Path) -> None:
    lowers = stack_of(tmp_path / "layers", 60, 120)
    places = [str(tmp_path / name) for name in ("upper", "work", "m")]
    (tmp_path / "here").mkdir()
    story = Story("mount() of 60 long paths, from a directory that was removed meanwhile")
    kernel = Kernel()

    def act() -> Any:
        os.chdir(tmp_path / "here")
        (tmp_path / "here").rmdir()
        kernel.install()
        before = os.stat(".").st_ino
        layers.mount(lowers, *places)
        return [os.stat(".").st_ino == before, len(kernel.mounts)]

    by_path = "a path was noted (os.getcwd): a descriptor finds back where no path leads any more"
    same, mounts = given(story, act, by_path)
    story.check(mounts == 1, f"{mounts} mounts were made", "one mount")
    story.check(same, "the working directory is another one", "the one before", by_path)


def closed(story: Story, seen: dict[str, Any]) -> None:
    more = len(seen["after"][1]) - len(seen["before"][1])
    leak = "descriptors of layers stay open: they would keep removed layers on the disk"
    story.check(more == 0, f"{more} more open files than before", "none", leak)


@pytest.mark.parametrize(("count", "width"), [(2, 6), (60, 120)])
def test_task1_afterwards_nothing_of_it_is_open(tmp_path: Path, count: int, width: int) -> None:
    story, seen = mounted(tmp_path, stack_of(tmp_path, count, width))
    taken(story, seen)
    closed(story, seen)


@pytest.mark.parametrize(("count", "width"), [(2, 6), (60, 120)])
def test_task1_a_refusal_is_an_error_that_says_where_and_why(
    tmp_path: Path, count: int, width: int
) -> None:
    story, seen = mounted(tmp_path, stack_of(tmp_path, count, width), refusal=errno.EPERM)
    words = ("cannot mount the layers at", f"{tmp_path}/m", "not permitted")
    refused(story, seen, *words, mistake="the refusal was swallowed: the container has no root")


def test_task1_after_a_refusal_we_are_where_we_were_and_nothing_is_open(tmp_path: Path) -> None:
    story, seen = mounted(tmp_path, stack_of(tmp_path, 60, 120), refusal=errno.EPERM)
    refused(story, seen)
    stayed(story, seen)
    closed(story, seen)


def test_task1_a_missing_layer_in_a_long_stack_is_named(tmp_path: Path) -> None:
    lowers = stack_of(tmp_path, 60, 120)
    os.rmdir(lowers[40])
    story, seen = mounted(tmp_path, lowers)
    refused(story, seen, "No such file", lowers[40])
    stayed(story, seen)
    closed(story, seen)


@pytest.mark.parametrize("count", [0, 501])
def test_task1_no_layers_and_more_than_overlayfs_takes_are_refused(
    tmp_path: Path, count: int
) -> None:
    story, seen = mounted(tmp_path, stack_of(tmp_path, count))
    asked = f"overlayfs takes 1 to {layers.MOST_LOWERS} lower layers: ask before you mount"
    refused(story, seen, mistake=asked)
    story.check(not seen["tried"], "the kernel was asked all the same", "no mount", asked)


# Task 2: changes


def changed(
    folder: Path, upper: dict[str, str], *lowers: dict[str, str], hidden: tuple[str, ...] = ()
) -> tuple[Story, list[str]]:
    """Make the layers, call changes(), and return its answer as the lines of `diff`."""
    top = make(folder / "upper", upper)
    below = [make(folder / f"lower{n}", it) for n, it in enumerate(lowers)]
    did = f"changes(): upper has {told(upper)}; below, topmost first: "
    did += "; ".join(told(it) for it in lowers)
    if hidden:
        did += f"; hidden: {', '.join(hidden)}"
    hand = "MINI_DOCKER_PROGRESS= mini-docker diff box   # the course's answer, for a container box"
    return listed(Story(did, hand), top, below, hidden)


def listed(
    story: Story,
    top: Path,
    below: list[Path],
    hidden: tuple[str, ...] = (),
    userxattr: bool = True,
) -> tuple[Story, list[str]]:
    def call() -> Any:
        with (
            Stack([str(top)], marks=True, userxattr=userxattr) as above,
            Stack([str(it) for it in below], userxattr=userxattr) as under,
        ):
            found = layers.changes(above, under, hidden)
            return found if found is None else [list(pair) for pair in found]

    found = given(story, call)
    expected = 'a list of pairs such as ("A", "/etc/new")'
    good = isinstance(found, list) and all(
        len(pair) == 2 and all(isinstance(word, str) for word in pair) for pair in found
    )
    story.check(good, f"it gave {found!r:.200}", expected)
    return story, [" ".join(pair) for pair in found]


def gives(
    story: Story,
    seen: list[str],
    expected: list[str],
    extra: dict[str, str] | None = None,
    lacking: dict[str, str] | None = None,
) -> None:
    """Check the lines; *extra* and *lacking* name mistakes by a line too many, or missing."""
    causes = [text for line, text in (extra or {}).items() if line in seen]
    causes += [text for line, text in (lacking or {}).items() if line not in seen]
    if not causes and sorted(seen) == sorted(expected):
        causes = ["the order is not that of the paths: in_order() sorts, and adds directories"]
    saw, wanted = "; ".join(seen) or "no change", "; ".join(expected) or "no change"
    story.check(seen == expected, saw, wanted, causes[0] if causes else "")


ABOVE = "the directories above a change are changed too: in_order() adds them"


def test_task2_a_new_file_is_added_and_its_directory_changed(tmp_path: Path) -> None:
    story, seen = changed(tmp_path, {"etc/new": "x"}, {"etc/old": "y"})
    gives(story, seen, ["C /etc", "A /etc/new"], lacking={"C /etc": ABOVE})


def test_task2_a_new_directory_is_added_with_all_in_it(tmp_path: Path) -> None:
    story, seen = changed(tmp_path, {"srv/a/b": "x"}, {"etc/old": "y"})
    gives(story, seen, ["A /srv", "A /srv/a", "A /srv/a/b"])


def test_task2_another_text_is_a_change(tmp_path: Path) -> None:
    story, seen = changed(tmp_path, {"etc/motd": "longer"}, {"etc/motd": "short"})
    new = "the layers below have this path: it is changed, not added"
    gives(story, seen, ["C /etc", "C /etc/motd"], {"A /etc/motd": new}, {"C /etc": ABOVE})


def test_task2_a_copy_that_is_equal_is_no_change(tmp_path: Path) -> None:
    lower = {"etc/motd": "x", "etc/new": "y", "bin/sh": "z"}
    story, seen = changed(tmp_path, {"etc/motd": "x", "bin/sh": "longer"}, lower)
    copied = "a copy in upper was taken for a change: it.differs(before) decides"
    gives(story, seen, ["C /bin", "C /bin/sh"], {"C /etc/motd": copied, "C /etc": copied})


def test_task2_the_same_length_at_another_moment_is_a_change(tmp_path: Path) -> None:
    upper, lower = make(tmp_path / "u", {"a": "one"}), make(tmp_path / "l", {"a": "two"})
    os.utime(upper / "a", ns=(WHEN + 1000, WHEN + 1000))
    story = Story("changes(): the same length, and written 1000 nanoseconds later", "stat -c %y a")
    story, seen = listed(story, upper, [lower])
    seconds = "times were compared in seconds: a change in the same second goes unseen"
    gives(story, seen, ["C /a"], lacking={"C /a": seconds})


def test_task2_other_permissions_are_a_change(tmp_path: Path) -> None:
    upper, lower = make(tmp_path / "u", {"a": "x"}), make(tmp_path / "l", {"a": "x"})
    (upper / "a").chmod(0o600)
    story, seen = listed(Story("changes() after chmod 600 a"), upper, [lower])
    gives(story, seen, ["C /a"])


def test_task2_a_directory_with_other_permissions_is_a_change(tmp_path: Path) -> None:
    upper, lower = make(tmp_path / "u", {"d/": ""}), make(tmp_path / "l", {"d/": ""})
    (upper / "d").chmod(0o700)
    story, seen = listed(Story("changes() after chmod 700 d"), upper, [lower])
    gives(story, seen, ["C /d"])


def test_task2_a_whiteout_is_a_removal(tmp_path: Path) -> None:
    story, seen = changed(tmp_path, {"etc/motd": GONE}, {"etc/motd": "x", "etc/old": "y"})
    extra = {
        f"{kind} /etc/motd": "a whiteout was taken for a file: it stands for a removal"
        for kind in "AC"
    }
    gone = "whiteouts were left out, so removals are missing: a whiteout of what is there is a D"
    lacking = {"D /etc/motd": gone, "C /etc": ABOVE}
    gives(story, seen, ["C /etc", "D /etc/motd"], extra, lacking)


def test_task2_a_removed_directory_is_one_removal(tmp_path: Path) -> None:
    story, seen = changed(tmp_path, {"srv": GONE}, {"srv/a": "x", "srv/b": "y"})
    gives(story, seen, ["D /srv"])


def test_task2_a_removal_of_nothing_is_no_change(tmp_path: Path) -> None:
    story, seen = changed(tmp_path, {"tmp/x": GONE, "a": "new"}, {"tmp/": "", "b": "y"})
    nothing = "it was made and removed again: nothing below has this path, so nothing is gone"
    gives(story, seen, ["A /a"], {"D /tmp/x": nothing, "C /tmp": nothing, "A /tmp/x": nothing})


def test_task2_an_opaque_directory_has_lost_what_is_not_in_it(tmp_path: Path) -> None:
    upper = {"srv/": OPAQUE, "srv/new": "x"}
    story, seen = changed(tmp_path, upper, {"srv/a": "x", "srv/b": "y"})
    forgot = "an opaque directory hides what is below it, without a whiteout for each name"
    expected = ["C /srv", "D /srv/a", "D /srv/b", "A /srv/new"]
    gives(story, seen, expected, lacking={"D /srv/a": forgot, "D /srv/b": forgot})


def test_task2_what_was_made_anew_in_an_opaque_directory_is_compared(tmp_path: Path) -> None:
    upper = {"srv/": OPAQUE, "srv/a": "other text", "srv/b": "y"}
    story, seen = changed(tmp_path, upper, {"srv/a": "x", "srv/b": "y", "srv/c": "z"})
    there = "a name that is in upper as well is not gone"
    expected = ["C /srv", "C /srv/a", "D /srv/c"]
    gives(story, seen, expected, {"D /srv/a": there, "D /srv/b": there})


def test_task2_a_directory_in_an_opaque_one_covers_too(tmp_path: Path) -> None:
    upper = {"srv/": OPAQUE, "srv/www/": "", "srv/www/new": "x"}
    story, seen = changed(tmp_path, upper, {"srv/www/old": "x"})
    inner = "below an opaque directory nothing shows through, at any depth: it.covers says so"
    expected = ["C /srv", "C /srv/www", "A /srv/www/new", "D /srv/www/old"]
    gives(story, seen, expected, lacking={"D /srv/www/old": inner})


def test_task2_a_whiteout_below_counts_as_nothing_there(tmp_path: Path) -> None:
    lowers = {"etc/motd": GONE, "etc/a": "a"}, {"etc/motd": "old"}
    story, seen = changed(tmp_path, {"etc/motd": "new"}, *lowers)
    gives(story, seen, ["C /etc", "A /etc/motd"])


def test_task2_hidden_paths_are_left_out_and_change_nothing_above(tmp_path: Path) -> None:
    upper = {"etc/hosts": "", "srv/hosts": "x"}
    story, seen = changed(tmp_path, upper, {"etc/": "", "srv/": ""}, hidden=("/etc/hosts",))
    said = "a path in *hidden* is left out: it is a mount point that the engine made"
    gives(story, seen, ["C /srv", "A /srv/hosts"], {"A /etc/hosts": said, "C /etc": said})


def test_task2_hidden_paths_are_left_out_of_what_is_covered_too(tmp_path: Path) -> None:
    lower = {"etc/hosts": "", "etc/motd": "x"}
    upper = {"etc/": OPAQUE, "etc/new": "x"}
    story, seen = changed(tmp_path, upper, lower, hidden=("/etc/hosts",))
    covered = "a path in *hidden* is left out below an opaque directory too: nobody removed it"
    expected = ["C /etc", "D /etc/motd", "A /etc/new"]
    gives(story, seen, expected, {"D /etc/hosts": covered})


def test_task2_the_lines_are_in_the_order_of_the_paths(tmp_path: Path) -> None:
    story, seen = changed(tmp_path, {"a/z": "x", "a-b": "y", "B": "z"}, {"a/": ""})
    gives(story, seen, ["A /B", "C /a", "A /a-b", "A /a/z"], lacking={"C /a": ABOVE})


# Task 3: pack


def packed(
    folder: Path, files: dict[str, str], hidden: tuple[str, ...] = ()
) -> tuple[Story, list[tarfile.TarInfo]]:
    """Make the upper directory *files*, call pack(), and return the entries of its archive."""
    more = f"; hidden: {', '.join(hidden)}" if hidden else ""
    story = Story(f"pack(): upper has {told(files)}{more}", "tar -tvf LAYER")
    return story, entries(story, make(folder / "upper", files), folder / "layer.tar", hidden)


def entries(
    story: Story,
    upper: Path,
    file: Path,
    hidden: tuple[str, ...] = (),
    userxattr: bool = True,
) -> list[tarfile.TarInfo]:
    given(story, lambda: write(upper, file, hidden, userxattr))
    try:
        with tarfile.open(file) as archive:
            return archive.getmembers()
    except tarfile.TarError as error:
        story.fail(f"an archive that cannot be read: {error}", "a tar archive")


def write(upper: Path, file: Path, hidden: tuple[str, ...] = (), userxattr: bool = True) -> None:
    with Stack([str(upper)], marks=True, userxattr=userxattr) as stack, file.open("wb") as sink:
        archive = Writer(sink)
        layers.pack(stack, archive, hidden)
        archive.close()


def holds(
    story: Story,
    found: list[tarfile.TarInfo],
    expected: list[str],
    extra: dict[str, str] | None = None,
    lacking: dict[str, str] | None = None,
) -> None:
    """Check the names in an archive; a "/" is added to directories."""
    names = [it.name + "/" * it.isdir() for it in found]
    causes = [text for name, text in (extra or {}).items() if name in names]
    causes += [text for name, text in (lacking or {}).items() if name not in names]
    saw, wanted = ", ".join(names) or "nothing", ", ".join(expected)
    story.check(names == expected, saw, wanted, causes[0] if causes else "")


DEVICE = "overlayfs's whiteout went into the archive as a device: other engines would make that"
LOST = "the removal is not in the layer: whoever applies it sees the lower file again"
BESIDE = "the mark lies beside what it removes: only the last part of the path gets the prefix"


def test_task3_a_file_is_in_the_archive_by_its_relative_path(tmp_path: Path) -> None:
    story, found = packed(tmp_path, {"etc/new": "x"})
    absolute = "a path in an archive is relative, or it would be unpacked over the host's"
    holds(story, found, ["etc/", "etc/new"], {"/etc/new": absolute})


def test_task3_with_text_permissions_and_time(tmp_path: Path) -> None:
    files = {"etc/new": "twelve bytes"}
    story, found = packed(tmp_path, files)
    holds(story, found, ["etc/", "etc/new"])
    it = found[1]
    saw = f"{it.size} bytes, mode {it.mode:o}, time {it.pax_headers.get('mtime', it.mtime)}"
    good = it.size == 12 and it.mode == 0o644
    good = good and it.pax_headers.get("mtime") == "1700000000.123456789"
    story.check(good, saw, "12 bytes, mode 644, time 1700000000.123456789: archive.add() does it")


def test_task3_a_directory_comes_before_what_is_in_it(tmp_path: Path) -> None:
    story, found = packed(tmp_path, {"b/c/d": "x", "a": "y"})
    holds(story, found, ["a", "b/", "b/c/", "b/c/d"])


def test_task3_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    story, found = packed(tmp_path, {"bin/sh": "-> busybox"})
    holds(story, found, ["bin/", "bin/sh"])
    it = found[1]
    story.check(it.issym() and it.linkname == "busybox", f"a file of type {it.type!r}", "a link")


def test_task3_a_whiteout_becomes_a_mark_beside_it(tmp_path: Path) -> None:
    story, found = packed(tmp_path, {"etc/motd": GONE})
    extra = {"etc/motd": DEVICE, ".wh.etc/motd": BESIDE, ".wh./etc/motd": BESIDE}
    holds(story, found, ["etc/", "etc/.wh.motd"], extra, {"etc/.wh.motd": LOST})


def test_task3_the_mark_is_an_empty_file(tmp_path: Path) -> None:
    story, found = packed(tmp_path, {"etc/motd": GONE})
    holds(story, found, ["etc/", "etc/.wh.motd"], {"etc/motd": DEVICE})
    it = found[1]
    story.check(it.isfile() and not it.size, f"type {it.type!r}, {it.size} bytes", "a file, empty")


def test_task3_a_mark_in_the_root_has_no_slash_before_it(tmp_path: Path) -> None:
    story, found = packed(tmp_path, {"motd": GONE})
    slash = "a path in an archive is relative: in the root there is nothing before the mark"
    holds(story, found, [".wh.motd"], {"motd": DEVICE, "/.wh.motd": slash}, {".wh.motd": LOST})


OPENED = "the mark of the opaque directory is missing: what is below it shows through again"


def test_task3_an_opaque_directory_has_a_mark_in_it(tmp_path: Path) -> None:
    story, found = packed(tmp_path, {"srv/": OPAQUE})
    beside = {".wh..wh..opq": "the mark lies in the directory that is opaque, not beside it"}
    holds(story, found, ["srv/", "srv/.wh..wh..opq"], beside, {"srv/.wh..wh..opq": OPENED})


def test_task3_the_mark_comes_before_what_is_in_the_directory(tmp_path: Path) -> None:
    story, found = packed(tmp_path, {"srv/": OPAQUE, "srv/www/": OPAQUE, "srv/www/.a": "x"})
    names = [it.name for it in found]
    expected = ["srv/", "srv/.wh..wh..opq", "srv/www/", "srv/www/.wh..wh..opq", "srv/www/.a"]
    late = "the mark comes after the directory, and before anything in it"
    disorder = sorted(names) == sorted(name.rstrip("/") for name in expected)
    mistake = {names[-1]: late} if disorder else {}
    holds(story, found, expected, mistake, {"srv/.wh..wh..opq": OPENED})


def test_task3_a_plain_directory_has_no_mark(tmp_path: Path) -> None:
    story, found = packed(tmp_path, {"srv/": OPAQUE, "etc/": "", "etc/new": "x", "srv/in/": ""})
    all_of_them = "a directory without the mark lost what the layers below have in it"
    expected = ["etc/", "etc/new", "srv/", "srv/.wh..wh..opq", "srv/in/"]
    extra = {name: all_of_them for name in ("etc/.wh..wh..opq", "srv/in/.wh..wh..opq")}
    holds(story, found, expected, extra)


def test_task3_a_socket_is_left_out(tmp_path: Path) -> None:
    upper = make(tmp_path / "upper", {"run/pid": "1"})
    with socket.socket(socket.AF_UNIX) as it:
        here = os.open(upper / "run", os.O_RDONLY)
        it.bind(f"/proc/self/fd/{here}/socket")  # a path of a socket is at most 107 bytes long
        os.close(here)
    story = Story("pack(): upper has run/pid and run/socket", "tar -cf LAYER -C upper .")
    kept = "no archive can hold a socket, tar(1) ignores it too: it ended in one"
    value = see(story, lambda: write(upper, tmp_path / "layer.tar"))
    saw = f"{value['error']}: {value['message']}"
    story.check(not value["error"], saw, "no exception: the socket is left out", kept)
    found = entries(story, upper, tmp_path / "layer.tar")
    holds(story, found, ["run/", "run/pid"], {"run/socket": kept})


@pytest.mark.parametrize("name", [".wh.a", "etc/.wh..wh..opq"])
def test_task3_a_file_that_looks_like_a_mark_is_refused(tmp_path: Path, name: str) -> None:
    upper = make(tmp_path / "upper", {name: "", "z": "x"})
    story = Story(f"pack(): upper has a file called {name}", "")
    seen = see(story, lambda: write(upper, tmp_path / "layer.tar"))
    danger = "who reads the layer takes this file for a removal: a container forged one"
    refused(story, seen, name, mistake=danger)


@pytest.mark.parametrize("what", ["directory", "opaque directory", "symlink", "fifo", "whiteout"])
def test_task3_whatever_looks_like_a_mark_is_refused(tmp_path: Path, what: str) -> None:
    texts = {"opaque directory": OPAQUE, "symlink": "-> z", "whiteout": GONE}
    name = "etc/.wh.a" + "/" * ("directory" in what)
    upper = make(tmp_path / "upper", {"z": "x"} if what == "fifo" else {name: texts.get(what, "")})
    if what == "fifo":
        (upper / "etc").mkdir()
        os.mkfifo(upper / name)
    story = Story(f"pack(): upper has a {what} called etc/.wh.a")
    seen = see(story, lambda: write(upper, tmp_path / "layer.tar"))
    any_kind = "a name is a mark whatever kind of file has it: only some kinds were refused"
    refused(story, seen, "etc/.wh.a", mistake=any_kind)


def test_task3_hidden_paths_are_left_out(tmp_path: Path) -> None:
    files = {"etc/hosts": "", "etc/new": "x"}
    story, found = packed(tmp_path, files, hidden=("/etc/hosts",))
    said = "a path in *hidden* is left out: it is a mount point that the engine made"
    holds(story, found, ["etc/", "etc/new"], {"etc/hosts": said})


# Task 4: apply


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", **more: Any) -> Any:
    """Return an entry of an archive, and its text."""
    it = tarfile.TarInfo(name)
    it.type, it.linkname, it.mode = kind, target, more.pop("mode", 0o644)
    text = more.pop("text", "").encode()
    it.size = len(text)
    it.pax_headers = {"mtime": "1700000000.123456789"}
    for key, value in more.items():
        setattr(it, key, value)
    return it, text


def folder(name: str, **more: Any) -> Any:
    return entry(name, tarfile.DIRTYPE, mode=more.pop("mode", 0o755), **more)


def symlink(name: str, target: str) -> Any:
    return entry(name, tarfile.SYMTYPE, target)


def hardlink(name: str, target: str) -> Any:
    return entry(name, tarfile.LNKTYPE, target)


def tar(*rows: Any) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for it, text in rows:
            archive.addfile(it, io.BytesIO(text))
    return sink.getvalue()


def unpack(
    data: bytes, directory: Path, below: tuple[Path, ...] = (), userxattr: bool = True
) -> None:
    """Call apply() on the archive *data*; whoever is no real root owns all that it makes."""
    owners = not machine.missing("real-root")
    with (
        Stack([str(path) for path in below], userxattr=userxattr) as stack,
        layers_tree.Tree(
            str(directory), stack if below else None, userxattr=userxattr, owners=owners
        ) as tree,
    ):
        layers.apply(layers_tar.Reader(io.BytesIO(data)), tree)


def applied(tmp_path: Path, *rows: Any) -> tuple[Story, dict[str, Any], dict[str, str]]:
    """Apply *rows*; return the story, what see() saw, and what is in the directory then.

    Beside it is the directory outside, with the file passwd, which nobody must touch.
    """
    make(tmp_path / "outside", {"passwd": SECRET})
    (tmp_path / "layer").mkdir()
    kinds = {tarfile.SYMTYPE: " -> ", tarfile.LNKTYPE: " linked to "}
    text = ", ".join(
        it.name + (kinds[it.type] + it.linkname if it.type in kinds else "") for it, _ in rows
    ).replace(str(tmp_path), "...")
    story = Story(f"apply() of an archive with: {text}", "tar -tvf LAYER")
    seen = see(story, lambda: unpack(tar(*rows), tmp_path / "layer"))
    return story, seen, portrait(tmp_path / "layer")


def portrait(directory: Path, mark: str = MARK) -> dict[str, str]:
    """Return what is below *directory*: path to what it is, in a few words."""
    found = {}
    for above, folders, names in os.walk(directory):
        for name in sorted(folders + names):
            path = Path(above, name)
            found[str(path.relative_to(directory))] = look(path, mark)
    return found


def look(path: Path, mark: str) -> str:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return f"-> {path.readlink()}"
    if stat.S_ISDIR(status.st_mode):
        return "opaque directory" if mark in os.listxattr(path) else "directory"
    if stat.S_ISREG(status.st_mode):
        return f"file {path.read_text()!r}"
    return "whiteout" if stat.S_ISCHR(status.st_mode) and not status.st_rdev else "special file"


def has(
    story: Story,
    seen: dict[str, Any],
    found: dict[str, str],
    expected: dict[str, str],
    extra: dict[str, str] | None = None,
    lacking: dict[str, str] | None = None,
) -> None:
    """Check that nothing was refused, and what is in the directory."""
    late = AT_ONCE if "cut short" in seen["message"] else ""
    story.check(not seen["error"], f"{seen['error']}: {seen['message']}", "no exception", late)
    causes = [text for name, text in (extra or {}).items() if name in found]
    causes += [text for name, text in (lacking or {}).items() if name not in found]
    saw, wanted = words(found), words(expected)
    story.check(found == expected, saw, wanted, causes[0] if causes else "")


def words(found: dict[str, str]) -> str:
    return ", ".join(f"{path} ({what})" for path, what in sorted(found.items())) or "nothing"


AT_ONCE = (
    "take each entry before you ask for the next: its data is between them, and a list of all "
    "entries has passed it over"
)
AS_FILE = "the mark was unpacked as a file: what it removes is still to be seen"


def test_task4_files_directories_and_links_are_made(tmp_path: Path) -> None:
    rows = folder("etc"), entry("etc/motd", text="hello"), symlink("etc/link", "motd")
    story, seen, found = applied(tmp_path, *rows)
    expected = {"etc": "directory", "etc/motd": "file 'hello'", "etc/link": "-> motd"}
    has(story, seen, found, expected)


def test_task4_with_their_permissions_and_time(tmp_path: Path) -> None:
    story, seen, found = applied(tmp_path, folder("bin", mode=0o750), entry("bin/x", mode=0o751))
    has(story, seen, found, {"bin": "directory", "bin/x": "file ''"})
    status = (tmp_path / "layer/bin").lstat(), (tmp_path / "layer/bin/x").lstat()
    saw = ", ".join(f"{it.st_mode & 0o7777:o} at {it.st_mtime_ns}" for it in status)
    expected = f"750 at {WHEN}, 751 at {WHEN}"
    story.check(saw == expected, saw, f"{expected}: tree.make() does it")


def test_task4_a_directory_that_the_archive_leaves_out_is_made(tmp_path: Path) -> None:
    story, seen, found = applied(tmp_path, entry("usr/bin/x"))
    has(story, seen, found, {"usr": "directory", "usr/bin": "directory", "usr/bin/x": "file ''"})


def test_task4_a_dot_at_the_beginning_says_nothing(tmp_path: Path) -> None:
    rows = folder("./", mode=0o711), folder("./etc/"), entry("./etc/a")
    story, seen, found = applied(tmp_path, *rows)
    has(story, seen, found, {"etc": "directory", "etc/a": "file ''"})
    mode = (tmp_path / "layer").stat().st_mode & 0o777
    root = 'the entry "./" is the root itself: tree.make_root(entry)'
    story.check(mode == 0o711, f"the root has mode {mode:o}", "711, as the entry './' says", root)


def test_task4_a_mark_becomes_a_whiteout_of_the_name_behind_it(tmp_path: Path) -> None:
    story, seen, found = applied(tmp_path, folder("etc"), entry("etc/.wh.motd"))
    prefix = "the prefix .wh. belongs to the mark, not to the name that is gone"
    extra = {"etc/.wh.motd": prefix if found.get("etc/.wh.motd") == "whiteout" else AS_FILE}
    ignored = "the mark was ignored: what it removes is still to be seen"
    expected = {"etc": "directory", "etc/motd": "whiteout"}
    has(story, seen, found, expected, extra, {"etc/motd": ignored})


def test_task4_a_mark_in_the_root_too(tmp_path: Path) -> None:
    story, seen, found = applied(tmp_path, entry(".wh.motd"))
    has(story, seen, found, {"motd": "whiteout"}, {".wh.motd": AS_FILE})


@pytest.mark.parametrize("name", ["hosts", "wget", ".hidden", "a.wh.b"])
def test_task4_the_name_behind_a_mark_stays_whole(tmp_path: Path, name: str) -> None:
    story, seen, found = applied(tmp_path, entry(f"etc/.wh.{name}"))
    letters = "lstrip takes letters away, and not a prefix: of .wh.hosts it leaves osts"
    causes = {f"etc/{name.lstrip('.wh')}": letters, f"etc/.wh.{name}": AS_FILE}
    causes[f"etc/{name.replace('.wh.', '')}"] = "only the .wh. at the beginning is the mark's"
    causes.pop(f"etc/{name}", None)
    has(story, seen, found, {"etc": "directory", f"etc/{name}": "whiteout"}, causes)


KIND = "a mark is known by its name, and not by its kind: ask for marks before hard links"


def test_task4_a_mark_that_is_a_hard_link_is_a_mark(tmp_path: Path) -> None:
    rows = entry("a"), hardlink("etc/.wh.motd", "a"), hardlink(".wh..wh.aufs", "a")
    story, seen, found = applied(tmp_path, *rows, hardlink("srv/.wh..wh..opq", "a"))
    expected = {"a": "file ''", "etc": "directory", "etc/motd": "whiteout"}
    extra = {it: KIND for it in ("etc/.wh.motd", ".wh..wh.aufs", "srv/.wh..wh..opq")}
    has(story, seen, found, expected | {"srv": "opaque directory"}, extra)


def test_task4_a_private_name_needs_no_target(tmp_path: Path) -> None:
    rows = entry("a"), hardlink(".wh..wh.orph", "nowhere/at/all")
    story, seen, found = applied(tmp_path, *rows)
    story.check(not seen["error"], f"{seen['error']}: {seen['message']}", "no exception", KIND)
    has(story, seen, found, {"a": "file ''"})


def test_task4_the_other_mark_makes_its_directory_opaque(tmp_path: Path) -> None:
    story, seen, found = applied(tmp_path, folder("srv"), entry("srv/.wh..wh..opq"))
    named = "the mark of an opaque directory was taken for the removal of a name"
    extra = {"srv/.wh..opq": named, "srv/.wh..wh..opq": AS_FILE}
    if found.get("srv") == "directory" and len(found) == 1:
        extra = {"srv": "the directory was left open: what is below it shows through"}
    has(story, seen, found, {"srv": "opaque directory"}, extra)


def test_task4_what_aufs_kept_for_itself_is_left_out(tmp_path: Path) -> None:
    rows = entry(".wh..wh.plnk"), entry(".wh..wh.aufs"), entry("a")
    story, seen, found = applied(tmp_path, *rows)
    private = "a name that begins with .wh..wh. is neither file nor removal: leave it out"
    extra = {name: private for name in (".wh.plnk", ".wh..wh.plnk", ".wh.aufs", ".wh..wh.aufs")}
    has(story, seen, found, {"a": "file ''"}, extra)


def test_task4_a_hard_link_is_another_name_of_the_same_file(tmp_path: Path) -> None:
    rows = entry("bin/busybox", text="x"), hardlink("bin/sh", "bin/busybox")
    story, seen, found = applied(tmp_path, *rows)
    has(story, seen, found, {"bin": "directory", "bin/busybox": "file 'x'", "bin/sh": "file 'x'"})
    number = (tmp_path / "layer/bin/sh").lstat().st_nlink
    copied = "the file was copied: a hard link is a second name, tree.link() makes one"
    story.check(number == 2, f"bin/sh has {number} names", "2", copied)


def test_task4_a_hard_link_across_directories_too(tmp_path: Path) -> None:
    rows = entry("bin/busybox", text="x"), hardlink("usr/bin/env", "./bin/busybox")
    story, seen, found = applied(tmp_path, *rows)
    within = "the target of a hard link is a path from the root of the layer: split() it"
    expected = {"bin": "directory", "bin/busybox": "file 'x'", "usr": "directory"}
    expected |= {"usr/bin": "directory", "usr/bin/env": "file 'x'"}
    story.check(not seen["error"], f"{seen['error']}: {seen['message']}", "no exception", within)
    has(story, seen, found, expected)


def test_task4_a_later_entry_replaces_an_earlier_one(tmp_path: Path) -> None:
    rows = entry("a", text="old"), symlink("b", "a"), entry("a", text="new"), entry("b", text="b")
    story, seen, found = applied(tmp_path, *rows)
    has(story, seen, found, {"a": "file 'new'", "b": "file 'b'"})


def unharmed(story: Story, tmp_path: Path, what: str) -> None:
    """Check that the directory outside is as it was."""
    outside = tmp_path / "outside"
    now = portrait(outside)
    saw = f"outside the layer there is now: {words(now)}"
    story.check(now == {"passwd": f"file {SECRET!r}"}, saw, "nothing outside is touched", what)
    links = (outside / "passwd").lstat().st_nlink
    seen = f"the file outside has {links} names: one is in the layer now"
    story.check(links == 1, seen, "nothing outside is reached", what)


ESCAPES = {
    "..": (["../outside/new"], "a name with .. was followed out of the layer"),
    "absolute": (["{}/outside/new"], "an absolute name was followed: it is the host's file"),
    "deep": (["a/b/../../../outside/new"], "a name with .. was followed out of the layer"),
    "mark": (["../outside/.wh.passwd"], "a mark removed a file outside of the layer"),
}


@pytest.mark.parametrize("name", ESCAPES)
def test_task4_a_name_that_leads_out_is_refused_and_named(tmp_path: Path, name: str) -> None:
    names, mistake = ESCAPES[name]
    names = [it.format(tmp_path) for it in names]
    story, seen, _ = applied(tmp_path, *map(entry, names))
    unharmed(story, tmp_path, mistake)
    bent = "a name that leads out was bent or left out: an honest layer has none, so refuse it"
    refused(story, seen, names[-1], mistake=bent)


THROUGH = "the file was written through a symbolic link: tree.enter() opens no directory by one"


@pytest.mark.parametrize("target", ["../outside", "{}/outside"])
@pytest.mark.parametrize("name", ["d/new", "d/sub/new", "d/passwd", "d/.wh.passwd"])
def test_task4_nothing_is_written_through_a_symbolic_link(
    tmp_path: Path, target: str, name: str
) -> None:
    rows = symlink("d", target.format(tmp_path)), entry(name, text="mine")
    story, seen, _ = applied(tmp_path, *rows)
    unharmed(story, tmp_path, THROUGH)
    refused(story, seen, name, "symbolic link", mistake="the entry was left out, and nobody told")


def test_task4_a_file_in_the_place_of_a_symbolic_link_replaces_it(tmp_path: Path) -> None:
    rows = symlink("passwd", "../outside/passwd"), entry("passwd", text="mine")
    story, seen, found = applied(tmp_path, *rows)
    unharmed(story, tmp_path, "the link was followed: the file it leads to was overwritten")
    has(story, seen, found, {"passwd": "file 'mine'"})


HARD = "a hard link gave the layer a name for a file outside: whoever writes it, writes that"


@pytest.mark.parametrize("target", ["../outside/passwd", "{}/outside/passwd"])
def test_task4_a_hard_link_to_a_file_outside_is_refused(tmp_path: Path, target: str) -> None:
    rows = entry("a"), hardlink("b", target.format(tmp_path))
    story, seen, _ = applied(tmp_path, *rows)
    unharmed(story, tmp_path, HARD)
    out = "the target of a hard link is as hostile as the name: split() refuses it"
    refused(story, seen, target.format(tmp_path), mistake=out)


def test_task4_a_hard_link_s_target_is_taken_apart_like_a_name(tmp_path: Path) -> None:
    out = "the target of a hard link is as hostile as the name: split() refuses what has a .. in it"
    rows = folder("d"), entry("a"), hardlink("b", "d/../a")
    story, seen, _ = applied(tmp_path, *rows)
    refused(story, seen, "d/../a", mistake=out)


def test_task4_a_hard_link_through_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    rows = symlink("d", "../outside"), hardlink("b", "d/passwd")
    story, seen, _ = applied(tmp_path, *rows)
    unharmed(story, tmp_path, HARD)
    refused(story, seen, "'b'", mistake="the entry was left out, and nobody told")


def test_task4_a_file_in_the_place_of_a_directory_is_an_error_that_says_so(tmp_path: Path) -> None:
    story, seen, _ = applied(tmp_path, entry("a"), entry("a/b"))
    refused(story, seen, "a/b", "a file is in the place of its directory")


def test_task4_what_comes_before_a_refusal_does_not_hide_it(tmp_path: Path) -> None:
    rows = entry("../one"), entry("a"), entry("b")
    story, seen, _ = applied(tmp_path, *rows)
    on = "an entry was refused and the rest unpacked: a layer is whole, or it is no layer"
    refused(story, seen, "../one", mistake=on)


# The real kernel


class Machine:
    """Directories on a file system that can hold an overlay, and what is mounted there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ordinary = bool(machine.missing("real-root"))
        self.mark = MARK if self.ordinary else "trusted.overlay.opaque"
        self.words = [*layers_options.OPTIONS, *["userxattr"] * self.ordinary]

    def mount(self, lowers: list[str], name: str = "m") -> Path:
        """Mount *lowers* by the student's function; the upper directory is NAME.upper."""
        paths: Any = [str(self.folder / f"{name}{end}") for end in (".upper", ".work", "")]
        for path in paths:
            os.makedirs(path)
        layers.mount(lowers, *paths, self.words)
        return self.folder / name

    def mount_by_hand(self, lowers: list[Path], name: str = "hand") -> Path:
        """The same by mount(8)."""
        places = {key: self.folder / f"{name}.{key}" for key in ("upper", "work")}
        merged = self.folder / name
        for path in (merged, *places.values()):
            path.mkdir()
        lower = ":".join(map(str, lowers))
        words = [f"lowerdir={lower}", *(f"{key}dir={it}" for key, it in places.items())]
        options = ",".join([*words, *self.words])
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, merged], check=True)
        return merged


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Machine]:
    place = tmp_path / "real"
    place.mkdir()
    # A temporary directory may itself lie on an overlay, which cannot hold an upper one.
    own = not machine.missing("real-root")
    if own:
        syscalls.mount("tmpfs", str(place), "tmpfs", 0, "mode=755")
    yield Machine(place)
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        where = line.split()[1]
        if where.startswith(f"{place}/") or (own and where == str(place)):
            syscalls.umount(where, syscalls.MNT_DETACH)
    shutil.rmtree(place, ignore_errors=True)


@pytest.mark.root
@pytest.mark.needs("overlay")
def test_task1_a_real_stack_shows_the_topmost_file(real: Machine) -> None:
    lowers = [make(real.folder / name, {"who": name, name: ""}) for name in ("top", "mid", "low")]
    story = Story("mount([top, mid, low], ...), then cat who and ls", "cat merged/who; ls merged")

    def act() -> Any:
        merged = real.mount([str(it) for it in lowers])
        return [(merged / "who").read_text(), sorted(os.listdir(merged))]

    who, names = given(story, act)
    down = "the layers are upside down: lowerdir has the topmost first"
    story.check(who == "top", f"who says {who!r}", "'top'", down if who == "low" else "")
    story.check(names == ["low", "mid", "top", "who"], f"{names}", "the names of all three")


@pytest.mark.root
@pytest.mark.needs("overlay")
def test_task1_a_real_write_goes_to_upper_alone(real: Machine) -> None:
    low = make(real.folder / "low", {"a": "old", "b": "old"})
    story = Story("mount([low], ...), then write a and remove b", "ls -l upper low")

    def act() -> Any:
        merged = real.mount([str(low)])
        (merged / "a").write_text("new")
        (merged / "b").unlink()
        return portrait(real.folder / "m.upper", real.mark)

    found = given(story, act)
    saw = f"upper: {words(found)}; low: {words(portrait(low))}"
    good = found == {"a": "file 'new'", "b": "whiteout"}
    good = good and portrait(low) == {"a": "file 'old'", "b": "file 'old'"}
    story.check(good, saw, "upper: a (file 'new'), b (whiteout); low as before")


@pytest.mark.root
@pytest.mark.needs("overlay")
def test_task1_a_real_stack_of_a_hundred_long_names(real: Machine) -> None:
    lowers = stack_of(real.folder, 100, width=100)
    for path in lowers:
        Path(path, os.path.basename(path)[-3:]).write_text("")
    story = Story("mount() of 100 layers whose paths take 10 kB, then ls", "ls merged | wc -l")
    number = given(story, lambda: len(os.listdir(real.mount(lowers))), CUT)
    story.check(number == 100, f"{number} names", "100, one of each layer", CUT)


@pytest.mark.root
@pytest.mark.needs("overlay")
def test_task1_a_real_refusal_says_why(real: Machine) -> None:
    low = make(real.folder / "low", {"a": ""})
    story = Story("mount([low], upper, work, ...) where there is no directory upper")

    def act() -> None:
        paths: Any = [str(real.folder / name) for name in ("upper", "work", "m")]
        os.mkdir(paths[1])
        os.mkdir(paths[2])
        layers.mount([str(low)], *paths, real.words)

    refused(story, see(story, act), "cannot mount the layers at", "No such file")


@pytest.mark.root
@pytest.mark.needs("overlay")
def test_task2_real_work_in_a_container_is_listed(real: Machine) -> None:
    lower = {"etc/motd": "x", "etc/passwd": "y", "srv/a": "1", "srv/b": "2", "bin/sh": "z"}
    low = make(real.folder / "low", lower)
    merged = real.mount_by_hand([low])
    shell = "rm etc/motd; echo more >> etc/passwd; rm -r srv; mkdir srv; echo > srv/c; echo > new"
    subprocess.run(["sh", "-ec", shell], cwd=merged, check=True)
    story = Story(f"changes() of an overlay after: {shell}", "ls -lR upper")
    story, seen = listed(story, real.folder / "hand.upper", [low], userxattr=real.ordinary)
    expected = ["C /etc", "D /etc/motd", "C /etc/passwd", "A /new", "C /srv", "D /srv/a",
                "D /srv/b", "A /srv/c"]  # fmt: skip
    gives(story, seen, expected)


@pytest.mark.root
@pytest.mark.needs("overlay")
def test_task2_a_real_copy_up_for_nothing_is_no_change(real: Machine) -> None:
    low = make(real.folder / "low", {"etc/motd": "x", "etc/new": "y"})
    merged = real.mount_by_hand([low])
    shell = "exec 3<>etc/motd; exec 3>&-; rm etc/new"  # to open it for writing copies it up
    subprocess.run(["sh", "-ec", shell], cwd=merged, check=True)
    story = Story(f"changes() of an overlay after: {shell}", "ls -l upper/etc low/etc")
    story, seen = listed(story, real.folder / "hand.upper", [low], userxattr=real.ordinary)
    copied = "a copy in upper was taken for a change: it.differs(before) decides"
    gives(story, seen, ["C /etc", "D /etc/new"], {"C /etc/motd": copied})


@pytest.mark.root
@pytest.mark.needs("overlay")
def test_task3_a_real_upper_directory_is_a_layer_for_tar(real: Machine) -> None:
    low = make(real.folder / "low", {"etc/motd": "x", "srv/a": "1"})
    merged = real.mount_by_hand([low])
    shell = "rm etc/motd; rm -r srv; mkdir srv; echo > srv/c"
    subprocess.run(["sh", "-ec", shell], cwd=merged, check=True)
    story = Story(f"pack() of an overlay's upper after: {shell}; then tar -t", "tar -tvf LAYER")
    file = real.folder / "layer.tar"
    upper = real.folder / "hand.upper"
    given(story, lambda: write(upper, file, userxattr=real.ordinary))
    done = subprocess.run(["tar", "-tf", file], capture_output=True, text=True, check=False)
    expected = ["etc/", "etc/.wh.motd", "srv/", "srv/.wh..wh..opq", "srv/c"]
    story.check(done.stdout.split() == expected, done.stdout + done.stderr, ", ".join(expected))


@pytest.mark.root
@pytest.mark.needs("real-root", "mknod")
def test_task4_a_real_device_has_its_numbers_and_its_owner(real: Machine) -> None:
    row = entry("dev/null", tarfile.CHRTYPE, mode=0o666, uid=7, gid=8, devmajor=1, devminor=3)
    (real.folder / "layer").mkdir()
    story = Story("apply() of an archive with dev/null, a device 1:3 of user 7", "ls -l dev/null")
    given(story, lambda: unpack(tar(row), real.folder / "layer", userxattr=False))
    path = real.folder / "layer/dev/null"
    story.check(path.exists(), "there is no dev/null", "a device")
    status = path.lstat()
    saw = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)} of {status.st_uid}"
    story.check(saw == "1:3 of 7", saw, "1:3 of 7")


@pytest.mark.root
@pytest.mark.needs("overlay")
def test_task4_a_real_removal_is_seen_in_a_mounted_stack(real: Machine) -> None:
    low = make(real.folder / "low", {"etc/motd": "x", "etc/a": "1", "srv/a": "1", "srv/b": "2"})
    rows = entry("etc/.wh.motd"), folder("srv"), entry("srv/.wh..wh..opq"), entry("srv/c")
    top = real.folder / "top"
    top.mkdir()
    did = "apply() of etc/.wh.motd, srv/.wh..wh..opq and srv/c, mounted on etc/motd, srv/a, srv/b"
    story = Story(did, "ls merged/etc merged/srv")
    given(story, lambda: unpack(tar(*rows), top, (low,), real.ordinary))
    merged = real.mount_by_hand([top, low])
    found = {name: sorted(os.listdir(merged / name)) for name in ("etc", "srv")}
    old = "what the layer removed shows through"
    good = found == {"etc": ["a"], "srv": ["c"]}
    story.check(good, f"{found}", "etc has a, srv has c", old)
