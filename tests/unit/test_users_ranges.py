"""users_ranges, users_pool: who may have which ids, and which are free."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import records, users, users_pool, users_ranges
from mini_docker.errors import ConfigError, NotFound
from mini_docker.store import Store

TEXT = "# alice:1:1\nbob:5000:10\nalice:100000:65536\n\n1001:200000:1000\n alice:300000:5 \n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "subuid"
    path.write_text(TEXT)
    return path


def test_lines_count_by_name_and_by_number(file: Path) -> None:
    granted = users_ranges.granted(str(file), "alice", 1001)
    assert granted == [(100000, 65536), (200000, 1000), (300000, 5)]
    assert users_ranges.granted(str(file), "bob", 7) == [(5000, 10)]
    assert users_ranges.granted(str(file), "carol", 8) == []
    assert users_ranges.granted(str(file) + ".none", "alice", 1001) == []
    # Somebody of a directory service, whose name is not in /etc/passwd; nor is an empty line hers.
    assert users_ranges.granted(str(file), "", 1001) == [(200000, 1000)]
    assert users_ranges.granted(str(file), "", 8) == []
    with pytest.raises(ConfigError, match=r"no ids are granted to carol in .*: add a line"):
        users_ranges.owned(str(file), "carol", 8)


@pytest.mark.parametrize(
    "line",
    ["alice", "alice:1", "alice:1:2:3", "alice::5", "alice:x:5", "alice:-1:5", "alice:5:0",
     "alice:0:5", "alice:4294967290:6", "alice:99999999999:1", "alice:5: 5", "alice:\u0665:5"],
)  # fmt: skip
def test_a_malformed_line_of_ones_own_is_named(file: Path, line: str) -> None:
    file.write_text(f"bob:nonsense\n{line}\n")
    with pytest.raises(ConfigError, match=r"cannot use line 2 of .*subuid"):
        users_ranges.granted(str(file), "alice", 1001)
    assert users_ranges.granted(str(file), "carol", 5) == []  # whom it does not concern


@pytest.mark.parametrize("second", ["1000:1", "1009:5", "990:11", "1:100000", "1000:10"])
def test_lines_that_overlap_are_refused(file: Path, second: str) -> None:
    file.write_text(f"alice:1000:10\nalice:{second}\n")
    with pytest.raises(ConfigError, match="overlap those of an earlier line, 1000 to 1009"):
        users_ranges.granted(str(file), "alice", 1001)
    file.write_text("alice:1000:10\nalice:1010:1\nalice:999:1\n")
    assert len(users_ranges.granted(str(file), "alice", 1001)) == 3


def test_a_map_has_no_holes_and_no_more_lines_than_the_kernel_takes() -> None:
    spans = [(first, 2) for first in range(10, 2000, 2)]
    ranges = users_ranges.whole(spans, 1)
    assert len(ranges) == 339
    assert [r.inside for r in ranges[:3]] == [1, 3, 5]
    assert ranges[2].outside == 14


@pytest.mark.parametrize("text", ["", ":", "root:", ":root", "ghost-of-nobody", "root:ghost-group"])
def test_a_remap_of_nobody_is_refused(text: str) -> None:
    with pytest.raises((ConfigError, NotFound)):
        users_ranges.remapped(text)


@pytest.mark.parametrize("text", ["root", "0"])
def test_root_does_not_stand_for_itself(text: str) -> None:
    with pytest.raises(ConfigError, match="root cannot stand for itself"):
        users_ranges.remapped(text)


SPANS = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 60)), max_size=6)


@given(SPANS, SPANS, st.integers(1, 40))
def test_what_is_allocated_is_free_and_granted(
    spans: list[tuple[int, int]], taken: list[tuple[int, int]], size: int
) -> None:
    """Compared with a search id by id."""
    busy = {n for first, count in taken for n in range(first, first + count)}

    def fits(start: int) -> bool:
        return not busy & set(range(start, start + size))

    starts = [n for first, count in spans for n in range(first, first + count - size + 1)]
    expected = next((start for start in starts if fits(start)), None)
    assert users_ranges.allocate(spans, taken, size) == expected


def test_an_image_needs_the_ids_of_its_accounts(tmp_path: Path) -> None:
    upper, lower = tmp_path / "upper/etc", tmp_path / "lower/etc"
    upper.mkdir(parents=True)
    lower.mkdir(parents=True)
    layers = [str(tmp_path / "upper"), str(tmp_path / "lower")]
    assert users_ranges.need(layers) == 1024
    (lower / "passwd").write_text("app:x:5000:5000::/:\nnobody:x:65534:65534::/:\n")
    (lower / "group").write_text("app:x:7000:\nnogroup:x:65534:\n")
    assert users_ranges.need(layers) == 7001
    (upper / "group").symlink_to("../../lower/etc/group")  # hides the one below, and leads out
    assert users_ranges.need(layers) == 5001
    record = {"Config": {"User": "8000:9000"}, "HostConfig": {"GroupAdd": ["wheel", "9500"]}}
    assert users_pool.need(record, layers) == 9501


def test_ids_of_other_containers_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "subuid"
    file.write_text("containers:1000:3000\n")
    monkeypatch.setattr(users_ranges, "SUBUID", str(file))
    monkeypatch.setattr(users_ranges, "SUBGID", str(tmp_path / "none"))
    monkeypatch.setenv("MINI_DOCKER_CONFIG", str(tmp_path / "none"))
    store = Store(str(tmp_path))
    for number, first in enumerate((1000, 2500)):
        directory = tmp_path / "containers" / f"{number:064}"
        directory.mkdir(parents=True)
        rows = [{"containerID": 0, "hostID": first, "size": 500}]
        records.write(f"{directory}/maps.json", {"uid": rows, "gid": rows})
    (tmp_path / "containers" / ("f" * 64)).mkdir()
    taken = users_pool.take(store, "uid", 1000)
    assert [(r.inside, r.outside, r.size) for r in taken] == [(0, 1500, 1000)]
    with pytest.raises(ConfigError, match="no 1001 consecutive uids of containers are free"):
        users_pool.take(store, "uid", 1001)
    with pytest.raises(NotFound, match="no ids are granted to containers in"):
        users_pool.take(store, "gid", 1)


def test_what_an_image_has_for_its_accounts_is_opened_only_if_it_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device of the image's choice is one of the host's, and some act when they are opened."""
    (tmp_path / "etc").mkdir()
    os.mkfifo(tmp_path / "etc/passwd")
    (tmp_path / "etc/group").symlink_to("passwd")
    monkeypatch.setattr(users, "rows", lambda *_: pytest.fail("it was opened"))
    assert users_ranges.need([str(tmp_path)]) == 1024
