"""Mount options: words, as flags, propagation and data."""

from __future__ import annotations

import pytest

from mini_docker import syscalls
from mini_docker.errors import ConfigError
from mini_docker.rootfs_options import CLEAR, ON_REMOUNT, PROPAGATION, SET, parse


def test_words_become_flags_and_the_rest_is_data() -> None:
    words = ["nosuid", "strictatime", "mode=755", "size=65536k"]
    flags = syscalls.MS_NOSUID | syscalls.MS_STRICTATIME
    assert parse(words) == (flags, 0, "mode=755,size=65536k")


def test_no_words_are_no_flags() -> None:
    assert parse([]) == parse(["defaults"]) == (0, 0, "")


@pytest.mark.parametrize("word", CLEAR)
def test_the_last_word_wins(word: str) -> None:
    opposite = next(name for name, flag in SET.items() if flag == CLEAR[word])
    assert parse([opposite, word]) == (0, 0, "")
    assert parse([word, opposite]) == (SET[opposite], 0, "")


@pytest.mark.parametrize("word", PROPAGATION)
def test_propagation_is_kept_apart(word: str) -> None:
    assert parse([word]) == (0, PROPAGATION[word], "")
    assert parse(["r" + word]) == (0, PROPAGATION[word] | syscalls.MS_REC, "")


def test_a_recursive_bind_is_a_bind() -> None:
    assert parse(["rbind", "ro"])[0] == syscalls.MS_BIND | syscalls.MS_REC | syscalls.MS_RDONLY


@pytest.mark.parametrize("word", ["r0", "readonly", "RO", "rro", "mode=755", ""])
def test_a_word_that_a_bind_does_not_know_is_refused(word: str) -> None:
    """The kernel would take it without a sound, and leave the mount writable."""
    with pytest.raises(ConfigError, match=f"option '{word}'"):
        parse(["bind", word])


def test_every_flag_that_a_bind_ignores_is_set_by_the_remount() -> None:
    of_a_mount = {flag for word, flag in SET.items() if "bind" not in word}
    assert all(flag & ON_REMOUNT for flag in of_a_mount)
    assert not ON_REMOUNT & (syscalls.MS_BIND | syscalls.MS_REC)
