"""store: names, ids, prefixes and locks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_docker import names
from mini_docker.errors import ConfigError, Conflict, NotFound
from mini_docker.store import Lock, Store

A, B = "a1" + "0" * 62, "a2" + "0" * 62


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(str(tmp_path))
    store.prepare()
    return store


def add(store: Store, id: str, name: str) -> None:
    """Add a container with a name and nothing else."""
    os.mkdir(store.directory(id))
    Path(store.directory(id), "container.json").write_text("{}")
    store.claim(name, id)


def test_a_container_is_found_by_name_id_and_prefix(store: Store) -> None:
    add(store, A, "web")
    add(store, B, "a1")  # a name that is a prefix of another's id
    assert store.find("web") == store.find("/web") == store.find(A) == A
    assert store.find("a1") == B
    assert store.find("a10") == A
    for missing in ("nope", "", "b", "../web", "a1/"):
        with pytest.raises(NotFound, match="No such container"):
            store.find(missing)
    with pytest.raises(Conflict, match="multiple IDs found with provided prefix: a"):
        store.find("a")


def test_a_name_belongs_to_one(store: Store) -> None:
    add(store, A, "web")
    os.mkdir(store.directory(B))
    with pytest.raises(Conflict, match=f'"/web" is already in use by container "{A}"'):
        store.claim("web", B)
    store.release("web", B)
    assert store.owner("web") == A
    store.release("web", A)
    store.claim("web", B)
    assert store.owner("web") == B


def test_a_name_of_a_container_that_was_never_finished_is_free(store: Store) -> None:
    os.mkdir(store.directory(A))
    store.claim("web", A)
    life = Lock(f"{store.directory(A)}/lock")
    life.acquire()
    with pytest.raises(Conflict):  # somebody is making it
        store.claim("web", B)
    life.release()
    store.claim("web", B)
    assert store.owner("web") == B


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    first, second = Lock(str(tmp_path / "lock")), Lock(str(tmp_path / "lock"))
    with first:
        assert second.held() and second.held()
        assert not second.wait(0.02)
    assert not second.held()
    first.acquire(shared=True)  # as one who asks does: not the holder for another who asks
    assert not second.held() and not second.wait(0)
    first.release()
    assert not Lock(str(tmp_path / "no/such/lock")).held()


@pytest.mark.parametrize("take", [Lock.acquire, Lock.take, Lock.alone])
def test_a_lock_of_what_is_gone_says_so(store: Store, take: Callable[[Lock], object]) -> None:
    for lock in (Lock(f"{store.directory(A)}/change"), Lock(store.directory(A), directory=True)):
        with pytest.raises(NotFound, match=f"^No such container: {A[:12]}$"):
            take(lock)
    with pytest.raises(NotFound, match=r"/other is gone: it has been removed$"):
        take(Lock(f"{store.root}/other/lock"))


def test_a_root_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file/names"):
        Store(str(tmp_path / "file")).prepare()


def test_a_root_of_ones_own_has_its_run_directory_inside(tmp_path: Path) -> None:
    assert Store(str(tmp_path)).run == f"{tmp_path}/run"
    assert Store("/var/lib/mini-docker").run == "/run/mini-docker"


def test_random_names_end_in_digits_once_they_are_taken() -> None:
    taken: list[str] = []

    def owner(name: str) -> str:
        taken.append(name)
        return "" if len(taken) > 20 else "somebody"

    name = names.random_name(owner)
    assert name == taken[-1] and name[-1].isdigit()
    names.check(name)
