"""Lab 5: users.

lab check 5                   every task, on a pretend kernel
lab check 5 -k task1          one task
sudo lab check 5              on the real kernel as well

Every test calls the function in a process of its own: what it becomes, pytest does not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import users

from course import pretend_maps, pretend_users
from course.pretend_maps import ME, NEW, Maps
from course.pretend_users import Process
from course.story import Story
from mini_docker import syscalls

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
web:x:33:44:Web:/srv:/bin/sh
we:x:55:55::/we:/bin/sh
7:x:100:100::/seven:/bin/sh
"""
GROUP = """\
root:x:0:
wheel:x:10:root
www:x:44:
staff:x:50:web,root
disk:x:60:x-web,1234
late:x:65:backup,web
7:x:70:
"""
SWALLOWED = "the kernel's refusal is swallowed: the program would go on as somebody else"


@pytest.fixture
def root() -> Iterator[Path]:
    """A container's root, with the two files; in memory, for disks are slow."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="pretend-", dir=memory) as folder:
        etc = Path(folder, "etc")
        etc.mkdir()
        (etc / "passwd").write_text(PASSWD)
        (etc / "group").write_text(GROUP)
        yield Path(folder)


def refused(
    story: Story, call: Callable[[], Any], kind: str, *words: str, mistake: str, lacks: str = ""
) -> str:
    """Check that *call* raises *kind* and that its message has *words*; return the message.

    *mistake* is behind no exception at all, *lacks* behind a message without the last word.
    """
    outcome = story.run(call)
    expected = f"{kind}, with {' and '.join(map(repr, words))} in its message"
    if not outcome.raised:
        saw = f"no exception; it returned {outcome.value}"
        story.fail(saw, expected, mistake)
    saw = str(outcome.raised)
    story.check(outcome.raised.kind == kind, saw, expected)
    for word in words:
        story.check(word in outcome.raised.message, saw, expected, lacks * (word == words[-1]))
    return str(outcome.raised.message)


# ---- task 1: find -----------------------------------------------------------------------------


def facts(user: Any) -> Any:
    """Return what *user* holds, as JSON has it; a text if it is no User."""
    if not isinstance(user, users.User):
        return repr(user)
    return {
        "uid": user.uid,
        "gid": user.gid,
        "groups": [*user.groups] if isinstance(user.groups, list | tuple | set) else None,
        "home": user.home,
    }


def look_up(text: str, root: Path) -> tuple[Story, dict[str, Any]]:
    """Find *text* in *root*; return what was done, and the user."""
    name, _, group = text.partition(":")
    files = f'grep "{name or 0}" ROOT/etc/passwd; grep "{group or name}" ROOT/etc/group'
    story = Story(f'find("{text}", ROOT)', files)
    value = story.value(lambda: facts(users.find(text, str(root))))
    story.check(isinstance(value, dict), f"it returned {value}", "a User")
    for key in ("uid", "gid"):
        it = value[key]
        story.check(type(it) is int, f"its {key} is {it!r}", "a number: the kernel takes no text")
    return story, value


def has(text: str, root: Path, mistakes: dict[Any, str] | None = None, **wanted: Any) -> None:
    """Check what find(*text*) gives; *mistakes* tell what a wrong value comes from."""
    story, value = look_up(text, root)
    for key, expected in wanted.items():
        seen = value[key]
        equal = sorted(seen or []) == sorted(expected) if key == "groups" else seen == expected
        known = tuple(seen) if isinstance(seen, list) else seen
        mistake = (mistakes or {}).get(known, "")
        story.check(equal, f"{key} is {seen!r}", repr(expected), mistake)


def test_task1_the_files_are_the_containers(root: Path) -> None:
    (root / "etc/passwd").write_text("queen:x:0:0::/castle:/bin/sh\nroot:x:77:77::/:/bin/sh\n")
    machine = "the machine's own files were read: the ones that count are the container's, in root"
    has("root", root, {0: machine}, uid=77)
    has("0", root, {"/root": machine}, home="/castle")


def test_task1_a_name_gives_the_uid_of_its_row(root: Path) -> None:
    has("web", root, uid=33)


def test_task1_a_name_gives_the_gid_of_its_row(root: Path) -> None:
    has("web", root, {33: "the uid was taken for the gid"}, gid=44)


def test_task1_a_name_gives_the_home_of_its_row(root: Path) -> None:
    mistakes = {
        "/bin/sh": "that is the shell: the home is one field before it",
        "/": "the row's home was not taken: / is for a number without a row",
    }
    has("web", root, mistakes, home="/srv")


def test_task1_a_number_with_a_row_is_that_user(root: Path) -> None:
    no_row = "a number was taken as it is, although a row says more about it"
    has("33", root, {0: no_row, 33: no_row, "/": no_row}, uid=33, gid=44, home="/srv")


def test_task1_a_number_needs_no_row(root: Path) -> None:
    story = Story('find("1234", ROOT), where no row has 1234', "setpriv --reuid 1234 id")
    outcome = story.run(lambda: facts(users.find("1234", str(root))))
    expected = "a User with uid 1234: the kernel asks for no row, so neither do we"
    asked = "a row was demanded of a number"
    story.check(not outcome.raised, str(outcome.raised), expected, asked)
    has("1234", root, uid=1234)


def test_task1_a_number_without_a_row_is_in_group_0(root: Path) -> None:
    own = "the uid was taken for the gid: without a row Docker takes 0"
    has("1234", root, {1234: own}, gid=0, home="/")


def test_task1_nobody_named_is_root(root: Path) -> None:
    has("", root, uid=0, gid=0, home="/root")
    has(":50", root, uid=0, gid=50)


def test_task1_a_number_is_an_id_also_if_somebody_is_called_that(root: Path) -> None:
    has("7", root, {100: "7 was taken for a name"}, uid=7, gid=0)


def test_task1_the_group_file_is_the_containers(root: Path) -> None:
    (root / "etc/group").write_text("root:x:78:\n")
    machine = "the machine's own group file was read: the container's counts, in root"
    has("web:root", root, {0: machine}, gid=78)


def asked(text: str, root: Path) -> list[str]:
    """Return the roots in which find(*text*) asks rows() for the group file."""

    def act() -> list[str]:
        seen, rows = [], users.rows

        def note(below: str, table: Any) -> Any:
            seen.extend([str(below)] * (table == users.GROUP))
            return rows(below, table)

        vars(users)["rows"] = note
        users.find(text, str(root))
        return seen

    return list(Story(f'find("{text}", ROOT)').value(act))


def test_task1_the_supplementary_groups_are_those_that_name_the_user(root: Path) -> None:
    piece = "a part of a name was enough: web is not x-web, and we is not web"
    nobody = "nobody asked the group file which groups the user is a member of"
    where = "the group file was asked in the wrong root: the container's is below root"
    mistakes = {
        (50, 60, 65): piece,
        (50,): "a row lists several members, and any of them may be the user",
        (): where if set(asked("web", root)) - {str(root)} else nobody,
    }
    has("web", root, mistakes, groups=[50, 65])


def test_task1_a_part_of_a_members_name_is_no_member(root: Path) -> None:
    piece = "a part of a name was enough: web is not x-web, and we is not web"
    has("we", root, {(50, 60, 65): piece, (50, 65): piece}, uid=55, groups=[])


def test_task1_a_number_has_the_groups_of_its_users_name(root: Path) -> None:
    text = "the group file lists names: the text of --user was looked for, not the row's name"
    has("33", root, {(): text}, groups=[50, 65])


def test_task1_nobody_named_has_the_groups_of_root(root: Path) -> None:
    text = "the group file lists names: the text of --user was looked for, not the row's name"
    has("", root, {(): text}, groups=[10, 50])


def test_task1_a_number_without_a_row_has_no_groups(root: Path) -> None:
    text = "1234 is a number without a name; a member that is called 1234 is somebody else"
    has("1234", root, {(60,): text}, uid=1234, groups=[])


def test_task1_the_group_after_the_colon_is_the_gid(root: Path) -> None:
    ignored = "what stands behind the colon was ignored"
    for text, gid in ("web:wheel", 10), ("web:10", 10), ("33:staff", 50), ("1234:staff", 50):
        has(text, root, {44: ignored, 0: ignored}, gid=gid)


def test_task1_the_group_may_be_a_number_without_a_row(root: Path) -> None:
    has("web:99", root, uid=33, gid=99, home="/srv")
    has("1234:99", root, uid=1234, gid=99)


def test_task1_with_a_group_there_are_no_supplementary_groups(root: Path) -> None:
    kept = "a group was asked for, and all others come along: who limits a group wants only that"
    has("web:wheel", root, {(50, 65): kept, (10, 50, 65): kept}, gid=10, groups=[])


def test_task1_a_name_that_is_not_there_is_refused(root: Path) -> None:
    story = Story('find("nobody-here", ROOT)', "grep nobody-here ROOT/etc/passwd")
    words = "unable to find user nobody-here", "no matching entries in passwd file"
    call = lambda: str(facts(users.find("nobody-here", str(root))))  # noqa: E731
    becomes = "a name that nobody has became a user all the same: a misspelt --user would be root"
    refused(story, call, "ConfigError", *words, mistake=becomes)


def test_task1_a_group_that_is_not_there_is_refused(root: Path) -> None:
    story = Story('find("web:nogroup-here", ROOT)', "grep nogroup-here ROOT/etc/group")
    words = "unable to find group nogroup-here", "no matching entries in group file"
    call = lambda: str(facts(users.find("web:nogroup-here", str(root))))  # noqa: E731
    refused(story, call, "ConfigError", *words, mistake="a group that nobody has was ignored")


@pytest.mark.parametrize("text", ["-1", "99999999999", "web:2147483648"])
def test_task1_an_id_out_of_range_is_refused(root: Path, text: str) -> None:
    story = Story(f'find("{text}", ROOT)', f"setpriv --reuid {text} id")
    call = lambda: str(facts(users.find(text, str(root))))  # noqa: E731
    refused(story, call, "ConfigError", "range", mistake="pick() was not asked about the number")


def test_task1_an_image_without_the_files_knows_numbers(root: Path) -> None:
    (root / "etc/passwd").unlink()
    (root / "etc/group").unlink()
    has("12:34", root, uid=12, gid=34, groups=[], home="/")
    story = Story('find("web", ROOT), where ROOT has no /etc/passwd')
    call = lambda: str(facts(users.find("web", str(root))))  # noqa: E731
    refused(story, call, "ConfigError", "unable to find user web", mistake="whose uid is that?")


@pytest.mark.root
def test_task1_the_machine_agrees(root: Path) -> None:
    """`id` is the witness: for a moment this root's files are the machine's."""
    files = [str(root / "etc/passwd"), str(root / "etc/group")]
    for file in files:
        subprocess.run(["mount", "--bind", file, f"/etc/{Path(file).name}"], check=True)
    try:
        for name in ("web", "root", "we"):
            story = Story(f'find("{name}") while ROOT/etc/passwd and group are mounted over ours')
            story.hand = f"id {name}"
            value = story.value(lambda name=name: facts(users.find(name)))
            words = [subprocess.check_output(["id", it, name], text=True) for it in ("-u", "-g")]
            groups = subprocess.check_output(["id", "-G", name], text=True).split()
            uid, gid = map(int, words)
            witness = [uid, gid, sorted({int(it) for it in groups} - {gid})]
            story.check(isinstance(value, dict), f"it returned {value}", "a User")
            seen = [value["uid"], value["gid"], sorted(set(value["groups"] or []) - {gid})]
            story.check(seen == witness, f"uid, gid and groups are {seen}", f"{witness}, says id")
    finally:
        for file in files:
            subprocess.run(["umount", f"/etc/{Path(file).name}"], check=True)


# ---- task 2: write_maps -----------------------------------------------------------------------


@pytest.fixture
def pretend(tmp_path: Path) -> Callable[..., Maps]:
    """Make a pretend kernel whose caller is the user given: 0, or ME, an ordinary one."""
    return lambda uid=0, **more: Maps(tmp_path, uid, **more)


Spans = list[tuple[int, int, int]]
WHOLE: Spans = [(0, 100000, 65536)]
SELF: Spans = [(0, ME, 1)]


def ranges(spans: Spans) -> list[users.Range]:
    return [users.Range(*span) for span in spans]


def lines(spans: Spans) -> str:
    return "".join(f"{inside} {outside} {size}\n" for inside, outside, size in spans)


def words(spans: Spans) -> str:
    return " ".join(str(it) for span in spans for it in span)


def call(maps: Maps, uids: Spans, gids: Spans) -> Callable[[], Any]:
    """Return a call of write_maps with *maps* in the kernel's place."""

    def write() -> None:
        pretend_maps.install(maps)
        users.write_maps(NEW, ranges(uids), ranges(gids))

    return write


def writing(maps: Maps, uids: Spans, gids: Spans) -> Story:
    who = f"user {maps.uid}" if maps.uid else "root"
    if maps.real != maps.uid:
        who += f" (the effective uid is {maps.uid}, the real one {maps.real})"
    did = f"write_maps({NEW}, {uids}, {gids}), called by {who} (a line is inside, outside, size)"
    if maps.uid and (uids, gids) != (SELF, [(0, maps.gid, 1)]):
        return Story(did, f"newuidmap {NEW} {words(uids)}; newgidmap {NEW} {words(gids)}")
    deny = f"echo deny >/proc/{NEW}/setgroups; " if maps.uid else ""
    texts = [lines(spans).rstrip().replace("\n", "\\n") for spans in (uids, gids)]
    by_hand = [
        f"printf '{text}\\n' >/proc/{NEW}/{name}"
        for text, name in zip(texts, ("uid_map", "gid_map"), strict=True)
    ]
    return Story(did, f"; {deny}".join(by_hand))


def wrote(maps: Maps, uids: Spans = WHOLE, gids: Spans = WHOLE) -> Story:
    """Write the maps, which nothing refuses; a mistake in how is named."""
    story = writing(maps, uids, gids)
    outcome = story.run(call(maps, uids, gids))
    told = maps.told()
    if outcome.raised:
        saw = f"{told}; {outcome.raised.kind}: {outcome.raised.message}"
        story.fail(saw, "no exception: nothing is refused that is done right", _why_refused(maps))
    ran = [name for name, _ in maps.did() if name.startswith("new")]
    needless = "root asked newuidmap, which gives only what /etc/subuid grants to root: nothing"
    needless = REAL if maps.real != maps.uid else needless
    files = "the files written, and no program run"
    story.check(maps.uid != 0 or not ran, told, files, needless)
    strange = [name for name, _ in maps.did() if "/proc/" in name]
    other = f"the maps of another process were written: {NEW} is the one in the new namespace"
    story.check(
        not strange, told, f"only files of /proc/{NEW} are written", other if strange else ""
    )
    return story


REAL = "the real user was asked, os.getuid: the kernel looks at the effective one, os.geteuid"


def _why_refused(maps: Maps) -> str:
    """Return the classic mistake behind a refusal of the pretend kernel's."""
    done = [name for name, _ in maps.did()]
    if maps.real != maps.uid:
        return REAL
    if any(done.count(name) > 1 for name in ("uid_map", "gid_map")):
        return "one write for each line: the kernel takes a single write, with all of them"
    if maps.uid and "gid_map" in done and "setgroups" not in done[: done.index("gid_map")]:
        return 'gid_map was written before setgroups was told "deny"'
    if "setgroups" in done and "gid_map" in done[: done.index("setgroups")]:
        return 'gid_map was written before setgroups was told "deny"'
    if maps.uid and any(name.endswith("_map") for name in done):
        return (
            "an ordinary user wrote a map that takes newuidmap and newgidmap: one line of size 1 "
            "that stands for its own id is all that it may write"
        )
    return ""


def shows(story: Story, maps: Maps, name: str, spans: Spans) -> None:
    """Check that the map *name* of NEW is *spans*."""
    seen, expected = maps.kept(name), lines(spans)
    seen_rows = sorted(line.split() for line in seen.splitlines())
    swapped = sorted([b, a, c] for a, b, c in (line.split() for line in expected.splitlines()))
    mistake = "inside and outside are swapped" if seen_rows == swapped else ""
    wanted = sorted(line.split() for line in expected.splitlines())
    saw = f"/proc/{NEW}/{name} {f'holds {seen!r}' if seen else 'is empty still'}; {maps.told()}"
    story.check(seen_rows == wanted, saw, repr(expected), mistake)


def test_task2_root_writes_the_uid_map(pretend: Callable[..., Maps]) -> None:
    maps = pretend()
    shows(wrote(maps), maps, "uid_map", WHOLE)


def test_task2_root_writes_the_gid_map(pretend: Callable[..., Maps]) -> None:
    maps = pretend()
    shows(wrote(maps), maps, "gid_map", WHOLE)


def test_task2_the_two_maps_may_differ(pretend: Callable[..., Maps]) -> None:
    maps = pretend()
    uids, gids = [(0, 100000, 1000)], [(0, 300000, 500)]
    story = wrote(maps, uids, gids)
    shows(story, maps, "uid_map", uids)
    shows(story, maps, "gid_map", gids)


def test_task2_several_ranges_are_one_write(pretend: Callable[..., Maps]) -> None:
    maps = pretend()
    spans = [(0, 1000, 1), (1, 100000, 65535), (70000, 300000, 10)]
    story = wrote(maps, spans, spans)
    count = [name for name, _ in maps.did()].count("uid_map")
    one = "one write for each line: the kernel takes a single write, with all of them"
    story.check(
        count == 1, maps.told(), "one write to uid_map, of three lines", one if count else ""
    )
    shows(story, maps, "uid_map", spans)
    shows(story, maps, "gid_map", spans)


def test_task2_each_line_ends_with_a_newline(pretend: Callable[..., Maps]) -> None:
    maps = pretend()
    story = wrote(maps)
    text = dict(maps.did()).get("uid_map", "")
    story.check(text.endswith("\n"), maps.told(), "a newline at the end of the last line as well")


def test_task2_root_leaves_the_groups_changeable(pretend: Callable[..., Maps]) -> None:
    maps = pretend()
    story = wrote(maps)
    shows(story, maps, "gid_map", WHOLE)
    needless = 'root needs no "deny": with it no program in there can change its groups any more'
    seen = maps.kept("setgroups")
    story.check(seen == "allow\n", f"/proc/{NEW}/setgroups says {seen!r}", "'allow'", needless)


def test_task2_root_needs_no_program(pretend: Callable[..., Maps]) -> None:
    maps = pretend()
    shows(wrote(maps), maps, "uid_map", WHOLE)


def test_task2_an_ordinary_user_may_map_itself(pretend: Callable[..., Maps]) -> None:
    maps = pretend(ME)
    story = wrote(maps, SELF, SELF)
    ran = [name for name, _ in maps.did() if name.startswith("new")]
    story.check(not ran, maps.told(), "no program: one id, one's own, takes none")
    shows(story, maps, "uid_map", SELF)
    shows(story, maps, "gid_map", SELF)


def test_task2_an_ordinary_user_denies_setgroups_before_the_gid_map(
    pretend: Callable[..., Maps],
) -> None:
    maps = pretend(ME)
    story = wrote(maps, SELF, SELF)
    seen = maps.kept("setgroups")
    story.check(seen == "deny\n", f"/proc/{NEW}/setgroups says {seen!r}", "'deny'")


def test_task2_more_than_oneself_takes_the_programs(pretend: Callable[..., Maps]) -> None:
    maps = pretend(ME)
    spans = [(0, ME, 1), (1, 100000, 65536)]
    story = wrote(maps, spans, spans)
    did = [name for name, _ in maps.did()]
    both = "both newuidmap and newgidmap are run, and nothing is written"
    lone = "newgidmap was forgotten: without a gid map no process in there has a group"
    story.check(sorted(did) == ["newgidmap", "newuidmap"], maps.told(), both,
                lone if did == ["newuidmap"] else "")  # fmt: skip


def test_task2_the_programs_get_the_pid_and_all_ranges(pretend: Callable[..., Maps]) -> None:
    maps = pretend(ME)
    uids, gids = [(0, ME, 1), (1, 100000, 65536)], [(0, ME, 1), (1, 300000, 500)]
    story = wrote(maps, uids, gids)
    did = dict(maps.did())
    for program, spans in ("newuidmap", uids), ("newgidmap", gids):
        expected = f"{program} {NEW} {words(spans)}"
        story.check(f"{program} {did.get(program)}" == expected, maps.told(), expected)


def test_task2_one_line_of_many_ids_takes_the_programs_as_well(
    pretend: Callable[..., Maps],
) -> None:
    maps = pretend(ME)
    story = wrote(maps, WHOLE, WHOLE)
    did = [name for name, _ in maps.did()]
    story.check(sorted(did) == ["newgidmap", "newuidmap"], maps.told(), "both programs are run")


def test_task2_one_long_map_is_enough_for_the_programs(pretend: Callable[..., Maps]) -> None:
    maps = pretend(ME)
    gids = [(0, ME, 1), (1, 300000, 500)]
    story = wrote(maps, SELF, gids)
    did = [name for name, _ in maps.did()]
    only = "only the uid map was looked at; the gid map is the one that is more than oneself"
    story.check(
        sorted(did) == ["newgidmap", "newuidmap"], maps.told(), "both programs are run", only
    )


@pytest.mark.parametrize(
    ("uids", "gids"), [([(0, 100000, 1)],) * 2, ([(0, 100000, 1)], SELF), (SELF, [(0, 100000, 1)])]
)
def test_task2_one_id_that_is_not_its_own_takes_the_programs(
    pretend: Callable[..., Maps], uids: Spans, gids: Spans
) -> None:
    maps = pretend(ME)
    story = wrote(maps, uids, gids)
    did = [name for name, _ in maps.did()]
    story.check(sorted(did) == ["newgidmap", "newuidmap"], maps.told(), "both programs are run")


def test_task2_a_users_group_has_a_number_of_its_own(pretend: Callable[..., Maps]) -> None:
    maps = pretend(ME, gid=100)
    gids = [(0, 100, 1)]
    story = wrote(maps, SELF, gids)
    story.did += f", whose group is {maps.gid}"
    ran = [name for name, _ in maps.did() if name.startswith("new")]
    uid = "the gid map was compared with the caller's uid; its group is os.getegid()"
    story.check(not ran, maps.told(), "no program: one id each, one's own, takes none", uid)
    shows(story, maps, "uid_map", SELF)
    shows(story, maps, "gid_map", gids)


@pytest.mark.parametrize(("uid", "real"), [(ME, 0), (0, ME)])
def test_task2_the_effective_user_counts(pretend: Callable[..., Maps], uid: int, real: int) -> None:
    maps = pretend(uid, real=real)
    story = wrote(maps, WHOLE, WHOLE)
    did = [name for name, _ in maps.did()]
    wanted = ["newgidmap", "newuidmap"] if uid else ["gid_map", "uid_map"]
    story.check(sorted(did) == wanted, maps.told(), " and ".join(wanted), REAL)


def test_task2_with_the_programs_setgroups_stays_allowed(pretend: Callable[..., Maps]) -> None:
    maps = pretend(ME)
    story = wrote(maps, WHOLE, WHOLE)
    needless = '"deny" was written although newgidmap needs none: no program can change its groups'
    did = [name for name, _ in maps.did()]
    story.check("newgidmap" in did, maps.told(), "newgidmap is run")
    story.check("setgroups" not in did, maps.told(), "nothing written to setgroups", needless)


def test_task2_a_refused_write_names_the_file(pretend: Callable[..., Maps]) -> None:
    maps = pretend()
    (maps.folder / f"{NEW}/uid_map").write_text("0 200000 65536\n")
    story = writing(maps, WHOLE, WHOLE)
    story.did += ", which has a map already"
    names = f"/proc/{NEW}/uid_map", "not permitted"
    unheard = "the kernel's refusal is swallowed: the container would run with another map"
    refused(story, call(maps, WHOLE, WHOLE), "KernelError", *names, mistake=unheard)


def test_task2_what_is_not_ours_to_map_is_refused(pretend: Callable[..., Maps]) -> None:
    maps = pretend(ME)
    other = [(0, 0, 1)]
    said = "uid range [0-1) -> [0-1) not allowed"
    maps.program("newuidmap", f"echo 'newuidmap: {said}' >&2; exit 1")
    story = writing(maps, other, other)
    story.did += "; newuidmap refuses"
    outcome = story.run(call(maps, other, other))
    tried = "the refusal is swallowed: the container would run without a map"
    idle = "nothing was tried: what may be refused is for newuidmap to say"
    expected = f"KernelError, with {said!r} in its message"
    if not outcome.raised:
        story.fail(f"no exception; {maps.told()}", expected, tried if maps.did() else idle)
    saw = f"{maps.told()}; {outcome.raised}"
    story.check(outcome.raised.kind == "KernelError", saw, expected)
    story.check(said in outcome.raised.message, saw, expected, _why_refused(maps))


@pytest.mark.parametrize("program", ["newuidmap", "newgidmap"])
def test_task2_a_refusal_of_a_program_is_quoted(pretend: Callable[..., Maps], program: str) -> None:
    maps = pretend(ME)
    said = "uid range [0-65536) -> [100000-165536) not allowed"
    maps.program(program, f"echo '{said}' >&2; exit 1")
    story = writing(maps, WHOLE, WHOLE)
    story.did += f"; {program} refuses"
    unheard = f"the refusal of {program} is swallowed: the container would run without a map"
    refused(story, call(maps, WHOLE, WHOLE), "KernelError", program, said, mistake=unheard)


def test_task2_a_missing_program_is_named(pretend: Callable[..., Maps]) -> None:
    maps = pretend(ME)
    (maps.folder / "bin/newuidmap").unlink()
    story = writing(maps, WHOLE, WHOLE)
    story.did += "; newuidmap is not installed"
    words = "cannot run newuidmap", "No such file"
    unheard = "nobody noticed that newuidmap is missing"
    refused(story, call(maps, WHOLE, WHOLE), "KernelError", *words, mistake=unheard)


# ---- task 3: become ---------------------------------------------------------------------------


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., Process]:
    """Make a pretend process: Process's own arguments."""
    return lambda **options: Process(tmp_path, **options)


def user(uid: int, gid: int, groups: tuple[int, ...] = ()) -> users.User:
    return users.User(uid, gid, list(groups), "/")


def became(it: Process, who: users.User, groups: list[int]) -> tuple[Story, dict[str, Any]]:
    """Let the pretend process become *who*, which nothing refuses; return its ids."""
    story = Story(f"become(user {who.uid}:{who.gid}, {groups}), called by {_called(it)}")
    option = f"--groups {','.join(map(str, groups))}" if groups else "--clear-groups"
    story.hand = f"setpriv {option} --regid {who.gid}"
    story.hand += f" --reuid {who.uid} grep -E '^(Uid|Gid|Groups)' /proc/self/status"

    def act() -> Any:
        pretend_users.become(it)
        raised = ""
        try:
            users.become(who, groups)
        except NotImplementedError:
            raise
        except Exception as error:
            raised = f"{type(error).__name__}: {error}"
        return it.ids() | {"raised": raised}

    ids = story.value(act)
    order = "; ".join(ids["calls"]) or "no call that changes an id"
    if ids["raised"]:
        denied = "setgroups is forbidden in this user namespace: may_set_groups() tells"
        mistake = denied if it.denied else _order(ids["calls"])
        saw = f"{order}; {ids['raised']}"
        story.fail(saw, "no exception: in the right order nothing is refused", mistake)
    return story, ids | {"told": order}


def _called(it: Process) -> str:
    where = ", where setgroups is forbidden" if it.denied else ""
    if it.uids[0] != it.uids[1]:
        where += f", in a setuid program that user {it.uids[0]}:{it.gids[0]} has started"
    return f"{'root' if it.uids[1] == 0 else f'user {it.uids[1]}'} with groups {it.groups}{where}"


def _order(calls: list[str]) -> str:
    names = [it.split("(")[0] for it in calls]
    late = [name for name in names if "uid" in name][:1]
    if late and any("EPERM" in it and "uid" not in it.split("(")[0] for it in calls):
        return f"{late[0]} came first: without uid 0 there is no right to change groups any more"
    return ""


def three(story: Story, ids: dict[str, Any], kind: str, wanted: int) -> None:
    """Check that real, effective and saved id of *kind* are *wanted*."""
    seen = ids[kind]
    mistake = ""
    if seen[1] == wanted and seen != [wanted] * 3:
        mistake = "the effective id alone was changed: a saved 0 is a way back to root"
        if seen[2]:
            short = f"set{kind[:-1]}"
            mistake = (
                f"a saved {seen[2]} is a way back: {short} of a process without the right sets the "
                f"effective id alone, setres{kind[:-1]} all three"
            )
    saw = f"{ids['told']}: real, effective and saved {kind[:-1]} are {seen}"
    story.check(seen == [wanted] * 3, saw, f"{wanted} three times", mistake)


def test_task3_all_three_uids_are_the_users(process: Callable[..., Process]) -> None:
    story, ids = became(process(), user(33, 44), [50])
    three(story, ids, "uids", 33)


def test_task3_all_three_gids_are_the_users(process: Callable[..., Process]) -> None:
    story, ids = became(process(), user(33, 44), [50])
    three(story, ids, "gids", 44)


def grouped(story: Story, ids: dict[str, Any], wanted: list[int], mistake: str = "") -> None:
    """Check the supplementary groups."""
    seen = ids["groups"]
    left = sorted({0, 4, 27} & set(seen) - set(wanted))
    kept = f"groups of root's are left: {left}; what they may open, the program may"
    saw = f"{ids['told']}: the supplementary groups are {seen}"
    story.check(sorted(seen) == sorted(wanted), saw, str(wanted), kept if left else mistake)


def test_task3_the_groups_are_the_given_ones(process: Callable[..., Process]) -> None:
    story, ids = became(process(), user(33, 44, groups=(50, 60)), [50, 60])
    grouped(story, ids, [50, 60])


def test_task3_roots_groups_are_gone(process: Callable[..., Process]) -> None:
    story, ids = became(process(), user(33, 44), [])
    three(story, ids, "uids", 33)
    grouped(story, ids, [])


def test_task3_the_users_own_list_does_not_count(process: Callable[..., Process]) -> None:
    story, ids = became(process(), user(33, 44, groups=(70, 80)), [50])
    own = "user.groups was taken: the caller may have added to it (--group-add), and gives the list"
    grouped(story, ids, [50], own if {70, 80} & set(ids["groups"]) else "")


def test_task3_root_as_well_has_only_the_given_groups(process: Callable[..., Process]) -> None:
    story, ids = became(process(), user(0, 0), [10])
    grouped(story, ids, [10], "root stays root, but not with the groups of whoever logged in")


def test_task3_groups_then_gid_then_uid(process: Callable[..., Process]) -> None:
    story, ids = became(process(), user(1234, 5), [6])
    three(story, ids, "uids", 1234)
    three(story, ids, "gids", 5)
    grouped(story, ids, [6])


def test_task3_there_is_no_way_back(process: Callable[..., Process]) -> None:
    it = process()
    story = Story("become(user 33:44, []), then setresuid(0, 0, 0)", "grep Uid /proc/self/status")

    def act() -> Any:
        pretend_users.become(it)
        users.become(user(33, 44), [])
        before = [*it.uids]
        try:
            os.setresuid(0, 0, 0)
        except PermissionError:
            return [before, "refused"]
        return [before, "granted"]

    before, back = story.value(act)
    saw = f"the uids were {before}, and setresuid(0, 0, 0) was {back}"
    way = "a saved 0 is a way back to root" if 33 in before else ""
    story.check(back == "refused", saw, "refused with EPERM", way)


def test_task3_where_setgroups_is_forbidden_it_is_left_out(
    process: Callable[..., Process],
) -> None:
    story, ids = became(process(denied=True), user(33, 44), [])
    three(story, ids, "uids", 33)
    three(story, ids, "gids", 44)


def test_task3_all_three_are_set_also_without_the_right_of_root(
    process: Callable[..., Process],
) -> None:
    story, ids = became(process(uid=ME, denied=True, real=(33, 44)), user(33, 44), [])
    three(story, ids, "uids", 33)
    three(story, ids, "gids", 44)


BARE = "the reason is not that of _why(error), which says what the errno means here"


def cannot(it: Process, who: users.User, groups: list[int]) -> Callable[[], Any]:
    def act() -> Any:
        pretend_users.become(it)
        users.become(who, groups)
        return f"None, with uids {it.uids}, gids {it.gids}, groups {it.groups}"

    return act


@pytest.mark.parametrize("who", [(70000, 1), (1, 70000)])
def test_task3_an_id_that_is_not_mapped_is_refused(
    process: Callable[..., Process], who: tuple[int, int]
) -> None:
    it = process()
    name = f"{who[0]}:{who[1]}"
    story = Story(f"become(user {name}, []), where the map has 65536 ids")
    act = cannot(it, user(*who), [])
    refused(story, act, "KernelError", name, "/etc/subuid", mistake=SWALLOWED, lacks=BARE)


def test_task3_a_refusal_names_the_user_and_the_reason(process: Callable[..., Process]) -> None:
    it = process(uid=1000)
    story = Story("become(user 33:44, [50]), called by user 1000", "setpriv --reuid 33 id")
    words = "cannot become user 33:44", "not permitted", "not ours to give"
    act = cannot(it, user(33, 44), [50])
    refused(story, act, "KernelError", *words, mistake=SWALLOWED, lacks=BARE)


def test_task3_groups_that_cannot_be_set_are_refused(process: Callable[..., Process]) -> None:
    story = Story("become(user 33:44, [70000]), where the map has 65536 ids")
    act = cannot(process(), user(33, 44), [70000])
    refused(story, act, "KernelError", "33:44", "/etc/subuid", mistake=SWALLOWED, lacks=BARE)


# ---- the real kernel --------------------------------------------------------------------------

STATUS = "Uid", "Gid", "Groups"


@contextmanager
def begun(as_user: int | None = None) -> Iterator[int]:
    """Start a process in a new user namespace; yield its pid; end it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if as_user is not None:
                os.setresgid(as_user, as_user, as_user)
                os.setresuid(as_user, as_user, as_user)
                # Or its files in /proc would be root's: it may know what root knew. proc(5).
                syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
            syscalls.unshare(syscalls.CLONE_NEWUSER)
            os.write(writer, b"in")
            signal.pause()
        finally:
            os._exit(1)
    os.close(writer)
    told = os.read(reader, 2)
    os.close(reader)
    try:
        assert told == b"in", "the grader's own process got no user namespace"
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def proc(pid: int | str, name: str) -> list[list[str]]:
    return [line.split() for line in Path(f"/proc/{pid}/{name}").read_text().splitlines()]


def real_maps(story: Story, pid: int, uids: Spans, gids: Spans, as_user: int | None = None) -> None:
    """Write real maps, and compare with what /proc shows."""

    def act() -> None:
        if as_user is not None:
            os.setgroups([])
            os.setresgid(as_user, as_user, as_user)
            os.setresuid(as_user, as_user, as_user)
        users.write_maps(pid, ranges(uids), ranges(gids))

    story.value(act)
    for name, spans in ("uid_map", uids), ("gid_map", gids):
        seen, expected = proc(pid, name), [[str(it) for it in span] for span in spans]
        story.check(
            sorted(seen) == sorted(expected), f"/proc/{pid}/{name} is {seen}", str(expected)
        )


@pytest.mark.root
def test_task2_a_real_namespace_gets_a_map() -> None:
    with begun() as pid:
        story = Story(f"write_maps({pid}, ...) with root as 5 inside", f"cat /proc/{pid}/uid_map")
        real_maps(story, pid, [(5, 0, 1)], [(6, 0, 1)])


@pytest.mark.root
@pytest.mark.needs("real-root")
def test_task2_a_real_map_may_have_several_lines() -> None:
    with begun() as pid:
        spans = [(0, 100000, 1000), (1000, 300000, 500), (65534, 200000, 1)]
        story = Story(f"write_maps({pid}, {spans}, ...)", f"cat /proc/{pid}/uid_map")
        real_maps(story, pid, spans, spans[:2])
        seen = Path(f"/proc/{pid}/setgroups").read_text()
        story.check(seen == "allow\n", f"/proc/{pid}/setgroups says {seen!r}", "allow")


@pytest.mark.root
def test_task2_a_second_map_is_refused_by_the_kernel() -> None:
    with begun() as pid:
        story = Story(f"write_maps({pid}, ...) twice", f"echo '0 0 1' >/proc/{pid}/uid_map")
        story.value(lambda: users.write_maps(pid, ranges([(0, 0, 1)]), ranges([(0, 0, 1)])))
        names = f"/proc/{pid}/uid_map", "not permitted"
        again = lambda: users.write_maps(pid, ranges([(1, 0, 1)]), ranges([(1, 0, 1)]))  # noqa: E731
        refused(story, again, "KernelError", *names, mistake="the kernel's refusal is swallowed")


@pytest.mark.root
@pytest.mark.needs("real-root")
def test_task2_a_real_ordinary_user_maps_itself() -> None:
    with begun(as_user=12345) as pid:
        story = Story(f"write_maps({pid}, ...) by user 12345", "unshare --user --map-root-user id")
        real_maps(story, pid, [(0, 12345, 1)], [(0, 12345, 1)], as_user=12345)
        seen = Path(f"/proc/{pid}/setgroups").read_text()
        story.check(seen == "deny\n", f"/proc/{pid}/setgroups says {seen!r}", "deny")


@pytest.mark.root
@pytest.mark.needs("real-root", "newuidmap")
def test_task2_the_real_programs_write_what_is_granted(tmp_path: Path) -> None:
    grants = {"passwd": "ann:x:12345:12345::/:/bin/sh\n", "subuid": "ann:400000:1000\n"}
    grants["subgid"] = grants["subuid"]
    grants["group"] = "ann:x:12345:\n"
    made = []
    for name, text in grants.items():
        (tmp_path / name).write_text(text)
        if not Path("/etc", name).exists():
            continue
        subprocess.run(["mount", "--bind", tmp_path / name, f"/etc/{name}"], check=True)
        made.append(f"/etc/{name}")
    try:
        with begun(as_user=12345) as pid:
            spans = [(0, 12345, 1), (1, 400000, 1000)]
            story = Story(
                f"write_maps({pid}, {spans}, ...) by user 12345, to whom /etc/subuid grants"
            )
            real_maps(story, pid, spans, spans, as_user=12345)
    finally:
        for path in made:
            subprocess.run(["umount", path], check=True)


def status() -> dict[str, list[int]]:
    """Return the ids of this process, as /proc/self/status shows them."""
    rows = (line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return {key: [int(it) for it in value.split()] for key, value in rows if key in STATUS}


def real(who: users.User, groups: list[int]) -> Any:
    """Become *who* for real, and return what the kernel says."""
    users.become(who, groups)
    return status()


def compare(story: Story, seen: dict[str, list[int]], uid: int, gid: int, groups: Any) -> None:
    expected = {"Uid": [uid] * 4, "Gid": [gid] * 4, "Groups": sorted(groups)}
    for key, value in expected.items():
        saw = f"/proc/self/status says {key}: {seen[key]}"
        story.check(sorted(seen[key]) == sorted(value), saw, str(value))


@pytest.mark.root
@pytest.mark.needs("real-root")
def test_task3_the_real_kernel_shows_the_new_ids() -> None:
    story = Story(
        "become(user 12345:23456, [50, 60])", "grep -E 'Uid|Gid|Groups' /proc/self/status"
    )
    seen = story.value(lambda: real(user(12345, 23456), [50, 60]))
    compare(story, seen, 12345, 23456, [50, 60])


@pytest.mark.root
@pytest.mark.needs("real-root")
def test_task3_a_file_of_roots_stays_closed() -> None:
    story = Story("become(user 12345:12345, []); then open a file of root's group, mode 0640")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        secret = Path(folder, "secret")
        secret.write_text("for root\n")
        os.chown(secret, 0, 0)
        secret.chmod(0o640)

        def act() -> Any:
            os.setgroups([0])
            users.become(user(12345, 12345), [])
            me = os.getuid()
            try:
                return [me, secret.read_text()]
            except PermissionError:
                return [me, "Permission denied"]

        me, seen = story.value(act)
    story.check(me == 12345, f"the uid is {me}", "12345")
    story.check(seen == "Permission denied", f"it read {seen!r}", "Permission denied")


@pytest.mark.root
@pytest.mark.needs("real-root")
def test_task3_a_user_of_a_real_namespace_is_another_one_outside() -> None:
    story = Story("become(user 33:44, [50]) in a user namespace with the map 0 100000 65536")
    story.hand = "ps -o uid,gid,supgid -p PID"
    with begun() as pid:
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{name}").write_text("0 100000 65536\n")

        def act() -> Any:
            descriptor = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
            syscalls.setns(descriptor, syscalls.CLONE_NEWUSER)
            ready, go = os.pipe(), os.pipe()
            child = os.fork()
            if child == 0:
                os.setresgid(0, 0, 0)
                os.setresuid(0, 0, 0)
                users.become(user(33, 44), [50])
                os.write(ready[1], b"1")
                os.read(go[0], 1)
                os._exit(0)
            os.close(ready[1])
            done = os.read(ready[0], 1) == b"1"
            return [child, done]

        outside = story.value(lambda: _seen_from_outside(act))
    compare(story, outside, 100033, 100044, [100050])


def _seen_from_outside(act: Callable[[], Any]) -> dict[str, list[int]]:
    """Call *act* in a child, which enters the namespace; look at its child from here."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, repr(act()[0]).encode())
            signal.pause()
        finally:
            os._exit(1)
    os.close(writer)
    child = os.read(reader, 20).decode()
    if not child:
        raise RuntimeError("become raised in the namespace")
    rows = (line.split(":") for line in Path(f"/proc/{child}/status").read_text().splitlines())
    return {key: [int(it) for it in value.split()] for key, value in rows if key in STATUS}


@pytest.mark.root
def test_task3_a_real_id_that_is_not_mapped_is_refused() -> None:
    story = Story("become(user 33:44, []) in a user namespace whose map holds 0 alone")
    story.hand = "unshare --user --map-root-user setpriv --reuid 33 --keep-groups id"

    def act() -> Any:
        uid, gid = os.geteuid(), os.getegid()
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
        users.become(user(33, 44), [])
        return f"None, and /proc/self/status says {status()}"

    why = "Invalid argument"
    refused(story, act, "KernelError", "33:44", why, mistake=SWALLOWED)
