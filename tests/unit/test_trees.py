"""trees: a directory tree is removed, and nothing outside of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mini_docker import trees
from mini_docker.errors import ConfigError


def test_a_tree_is_removed_and_what_its_links_lead_to_is_not(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "kept").mkdir(parents=True)
    tree = tmp_path / "tree"
    (tree / "a" / "b" / "c").mkdir(parents=True)
    (tree / "a" / "b" / "file").write_text("x")
    os.symlink(outside, tree / "a" / "out")
    os.symlink("/nowhere", tree / "dangling")
    os.mkfifo(tree / "a" / "pipe")
    trees.remove(str(tree))
    assert not tree.exists()
    assert (outside / "kept").is_dir()


def test_a_tree_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    tree = tmp_path / "deep"
    tree.mkdir()
    here = os.open(tree, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d" * 100, dir_fd=here)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    trees.remove(str(tree))
    assert not tree.exists()


def test_directories_of_the_same_name_do_not_meet(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for path in ("a/x/1", "b/x/1", "c/x/1", "x/1"):
        (tree / path).mkdir(parents=True)
    trees.remove(str(tree))
    assert not tree.exists()


def test_a_tree_that_is_gone_needs_nothing(tmp_path: Path) -> None:
    trees.remove(str(tmp_path / "none"))


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    os.symlink("kept", tmp_path / "link")
    with pytest.raises(ConfigError, match="link"):
        trees.remove(str(tmp_path / "link"))
    assert (tmp_path / "kept").is_dir()
