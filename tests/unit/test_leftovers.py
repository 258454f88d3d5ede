"""What killed commands leave, and the lock that tells whether they are at it still."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mini_docker import containers_notes, leftovers
from mini_docker.errors import NotFound
from mini_docker.store import Lock, Store

ID = "a" * 64
OTHER = "b" * 64


@pytest.fixture
def store(tmp_path: Path) -> Store:
    it = Store(str(tmp_path))
    it.prepare()
    return it


def finished(store: Store, id: str, name: str) -> Path:
    """Make what a container is to this module: a record with a name, and a link to it."""
    path = Path(store.directory(id))
    path.mkdir()
    (path / "container.json").write_text(f'{{"Name": "{name}"}}')
    os.symlink(id, f"{store.root}/names/{name}")
    return path


def test_a_container_stays(store: Store) -> None:
    path = finished(store, ID, "web")
    leftovers.sweep(store)
    assert path.exists() and store.owner("web") == ID


def test_half_made_and_half_removed_go_with_their_names(store: Store) -> None:
    finished(store, ID, "web")
    Path(store.directory(OTHER)).mkdir()
    os.symlink(OTHER, f"{store.root}/names/half")
    gone = Path(f"{store.root}/containers/.gone-{'c' * 64}/deep/er")
    gone.mkdir(parents=True)
    os.symlink("c" * 64, f"{store.root}/names/gone")
    leftovers.sweep(store)
    assert os.listdir(f"{store.root}/containers") == [ID]
    assert os.listdir(f"{store.root}/names") == ["web"]


def test_what_somebody_is_at_stays(store: Store) -> None:
    Path(store.directory(OTHER)).mkdir()
    gone = f"{store.root}/containers/.gone-{ID}"
    os.mkdir(gone)
    with Lock(f"{store.directory(OTHER)}/lock"), Lock(gone, directory=True):
        leftovers.sweep(store)
        assert os.path.isdir(store.directory(OTHER)) and os.path.isdir(gone)
    leftovers.sweep(store)
    assert os.listdir(f"{store.root}/containers") == []


def test_the_second_name_of_a_killed_rename_goes(store: Store) -> None:
    finished(store, ID, "new")
    os.symlink(ID, f"{store.root}/names/old")
    leftovers.sweep(store)
    assert os.listdir(f"{store.root}/names") == ["new"]


def test_half_a_note_goes_with_its_writer(store: Store) -> None:
    for pid in (os.getpid(), 4194303):
        Path(f"{store.run}/{ID}.json.{pid}.tmp").touch()
    leftovers.sweep(store)
    assert os.listdir(store.run) == [f"{ID}.json.{os.getpid()}.tmp"]


def test_who_only_asks_for_a_lock_is_in_nobodys_way(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    first, second = Lock(path), Lock(path)
    assert not first.held() and first.take()
    assert second.held() and not second.take()
    first.release()
    assert second.take()
    second.release()
    with pytest.raises(NotFound):
        Lock(str(tmp_path / "no" / "lock")).take()


def test_a_reader_holds_nobody_up_for_long(tmp_path: Path) -> None:
    """take() against many that ask at the same time: it succeeds, for none of them holds it."""
    path = str(tmp_path / "lock")
    children = []
    for _ in range(4):
        if (pid := os.fork()) == 0:
            for _ in range(2000):
                Lock(path).held()
            os._exit(0)
        children.append(pid)
    for _ in range(500):
        mine = Lock(path)
        assert mine.take()
        mine.release()
    for pid in children:
        os.waitpid(pid, 0)


def test_an_empty_run_directory_after_the_machines_start(store: Store) -> None:
    """RUN is in /run, which is empty then: there is nothing to sweep, and a note makes it."""
    os.rmdir(store.run)
    leftovers.sweep(store)
    assert not os.path.exists(store.run)
    containers_notes.note(store, ID, 0)
    assert os.listdir(store.run) == [f"{ID}.json"]
