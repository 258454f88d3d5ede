"""Recorded sessions: what varies is made equal, and one that is run looks as a reader sees it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from course import sameness, session_files, sessions


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("deadbeef1234", "0123456789ab"),
        ("a" * 63 + "1", "b" * 64),
        ("uts:[4026531838]", "uts:[4026532999]"),
        ("[1] 1234", "[1] 77"),
        ("a\n[2]+ Killed sleep 1\nb", "a\nb\n[2]+ Killed sleep 1"),
        ("Up 3 seconds", "Up 21 minutes"),
        ("Up Less than a second", "Up 2 seconds"),
        ("2026-11-22T05:05:23.5Z", "2027-01-01T00:00:00Z"),
        ("2026-11-22 05:05:23 +0000 UTC", "2027-01-01 00:00:00 +0000 UTC"),
        ("Sun Nov 22 10:00:00 UTC 2026", "Mon Nov 23 11:30:00 CET 2026"),
        ("Date: Sun, 22 Nov 2026 10:15:28 GMT", "Date: Fri, 1 Jan 2027 00:00:00 GMT"),
        ("-rw-r--r-- 1 root 0 Nov 22 10:15 motd", "-rw-r--r-- 1 root 0 Dec  3 23:59 motd"),
        ("-rw-r--r-- 1 root 0 Nov 22 10:15 motd", "-rw-r--r-- 1 root 0 Nov 22  2026 motd"),
        ("took 0.3 s", "took 12 s"),
        ("a    b", "a b"),
        ("PID USER\n12 root", "PID USER\n9 root"),
        ("CONTAINER ID  NAMES\nx  brave_cat", "CONTAINER ID  NAMES\nx  calm_dog"),
    ],
)
def test_what_varies_by_nature_is_the_same(one: str, other: str) -> None:
    assert sameness.normalise(one, []) == sameness.normalise(other, [])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("137", "1"),
        ("33554432", "33554433"),
        ("uts:[4026531838]", "ipc:[4026531838]"),
        ("PID USER\n12 root", "PID USER\n12 user"),
        ("PID USER\n12 root\n# echo\n12", "PID USER\n12 root\n# echo\n13"),
        ("[1] 12 running", "[1] 13 running"),
        ("decade feedface", "decade feedfade"),
        ("brave_cat", "calm_dog"),
        ("Sun Nov 22 10:00:00 UTC 2026 a", "Sun Nov 22 10:00:00 UTC 2026 b"),
        ("on Sun 22", "on Mon 22"),
    ],
)
def test_anything_else_is_a_difference(one: str, other: str) -> None:
    assert sameness.normalise(one, []) != sameness.normalise(other, [])


def test_a_session_may_say_what_else_varies() -> None:
    assert sameness.normalise("12 kB", [r"\d+ kB"]) == sameness.normalise("7 kB", [r"\d+ kB"])


@pytest.mark.parametrize("name", session_files.names())
def test_no_recording_is_true_on_one_day_only(name: str) -> None:
    lines = sameness.normalise("\n".join(session_files.recorded(name)), [])
    month = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    day = re.compile(rf"\b(\d\d? {month}\b|{month} +\d|20\d\d-)")
    assert [line for line in lines if day.search(line)] == []


DEMO = """\
#: stage 1
#- secret=hidden
echo $secret
cd /
## two
pwd
cat <<END
a
END
sleep 60 & kill -9 $!; wait
sh -c 'exit 3'
echo $?
unshare --uts --pid --fork bash
hostname inside; echo $$ $(hostname)
exit
hostname
mini-docker pause x
"""


@pytest.fixture
def demo(tmp_path: Path) -> session_files.Session:
    (tmp_path / "demo.sh").write_text(DEMO)
    return session_files.read("demo", tmp_path)


@pytest.mark.root
def test_a_session_is_recorded_as_a_reader_would_see_it(demo: session_files.Session) -> None:
    text = sessions.record(demo)
    assert "\n".join(sameness.normalise(text, [])) == "\n".join(
        """\
%% session demo <short id>
# echo $secret
hidden
# cd /
%% part two
# pwd
/
# cat <<END
> a
> END
a
# sleep 60 & kill -9 $!; wait
[1] <pid>
# sh -c 'exit 3'
# echo $?
3
# unshare --uts --pid --fork bash
# hostname inside; echo $$ $(hostname)
1 inside
# exit
exit
# hostname
course
# mini-docker pause x
mini-docker: `pause` needs lab 4, cgroups: run `lab start 4`, or `lab borrow cgroups`
""".splitlines()
    )


@pytest.mark.root
def test_a_session_whose_shell_ends_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo.sh").write_text("exit 3\necho never\n")
    with pytest.raises(session_files.SessionError, match="the shell ended at `exit 3`"):
        sessions.record(session_files.read("demo", tmp_path))


@pytest.mark.root
def test_a_session_of_an_ordinary_user_is_not_root(tmp_path: Path) -> None:
    (tmp_path / "demo.sh").write_text("#: user ordinary\nid -u\n")
    text = sessions.record(session_files.read("demo", tmp_path))
    assert text.endswith("$ id -u\n1000\n")
