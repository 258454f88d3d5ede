"""Addresses of repositories: which texts name one, and what they say."""

from __future__ import annotations

import pytest

from mini_docker import builder_git, builder_git_program
from mini_docker.errors import UsageError

HOST = "https://example.com/a.git"


@pytest.mark.parametrize(
    ("text", "url", "ref", "subdirectory"),
    [
        (HOST, HOST, "", ""),
        (f"{HOST}#v1", HOST, "v1", ""),
        (f"{HOST}#release/1.2", HOST, "release/1.2", ""),
        (f"{HOST}#baz/qux:quux/quuz", HOST, "baz/qux", "quux/quuz"),
        (f"{HOST}#:folder", HOST, "", "folder"),
        (f"{HOST}?branch=b&subdir=d/e", HOST, "b", "d/e"),
        (f"{HOST}?tag=v2", HOST, "v2", ""),
        (f"{HOST}?commit=1234567", HOST, "1234567", ""),
        ("http://example.com/a.git", "http://example.com/a.git", "", ""),
        ("git://example.com/foo", "git://example.com/foo", "", ""),
        ("ssh://me@example.com/foo#x", "ssh://me@example.com/foo", "x", ""),
        ("git@github.com:moby/buildkit", "git@github.com:moby/buildkit", "", ""),
        (
            "git@github.com:moby/buildkit.git#v1:doc",
            "git@github.com:moby/buildkit.git",
            "v1",
            "doc",
        ),
        ("github.com/moby/buildkit", "https://github.com/moby/buildkit", "", ""),
    ],
)
def test_an_address_of_a_repository(text: str, url: str, ref: str, subdirectory: str) -> None:
    found = builder_git.parse(text)
    assert found and (found.url, found.ref, found.subdirectory) == (url, ref, subdirectory)


@pytest.mark.parametrize(
    "text",
    [
        *("https://example.com/", "https://example.com/foo", "https://example.com/foo.git/"),
        *("https://example.com/foo.git.bar", "custom.xyz/moby/buildkit.git", ".git", "./.git"),
        *("http://github.com/docker/docker.git:#branch", "file:///srv/a.git", "ext::sh -c x"),
        *("/srv/a.git", "-", "a@b", "--upload-pack=x@y:z"),
    ],
)
def test_what_is_no_repository(text: str) -> None:
    assert builder_git.parse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *(f"{HOST}#-x", f"{HOST}#a..b c", f"{HOST}#a^b", f"{HOST}?depth=1"),
        *(f"{HOST}?commit=zz", f"{HOST}?ref=x#y", f"{HOST}?ref=--upload-pack"),
    ],
)
def test_a_ref_that_git_would_take_for_something_else(text: str) -> None:
    with pytest.raises(UsageError, match="cannot use the address"):
        builder_git.parse(text)


def test_no_password_in_a_message() -> None:
    assert builder_git._shown("https://me:token@example.com/a.git") == HOST


def test_the_reason_is_gits_own() -> None:
    said = b"warning: x\nfatal: couldn't find remote ref nosuch\n"
    assert builder_git_program.why(said) == "couldn't find remote ref nosuch"
    assert builder_git_program.why(b"") == "it failed and said nothing"
