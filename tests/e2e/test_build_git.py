"""Builds from git: which files come, and what a hostile repository cannot do.

git's own daemon serves the repositories, on loopback.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_docker import loopback
from tests.e2e.builds import Shell, root, shell

pytestmark = pytest.mark.e2e
__all__ = ["root", "shell"]  # fixtures

ADDRESS = "git://127.0.0.1"
IDENTITY = "git config user.email a@example.com; git config user.name A"


@pytest.fixture(autouse=True)
def served(shell: Shell, tmp_path: Path) -> Iterator[Path]:
    """A directory whose repositories git serves."""
    loopback.bring_up()
    folder = tmp_path / "served"
    folder.mkdir()
    command = ["git", "daemon", f"--base-path={folder}", "--export-all", "--port=9418"]
    command += ["--listen=127.0.0.1", "--reuseaddr", "--verbose", "--informative-errors"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as daemon:
        assert daemon.stderr
        while b"Ready" not in (line := daemon.stderr.readline()):
            assert line, "git daemon has ended"
        yield folder
        os.killpg(daemon.pid, 15)
        daemon.stderr.read()


@pytest.fixture
def repository(shell: Shell) -> str:
    """A repository with two branches, a tag and a hook; its address."""
    shell.ok(
        f"""
        mkdir ../work; cd ../work; git init -q -b main .; {IDENTITY}
        printf 'FROM busybox\\nCOPY file /file\\n' > Dockerfile; echo main > file
        git add .; git commit -qm 1; git tag v1; echo newer > file; git commit -qam 2
        git checkout -qb container; mkdir docker
        printf 'FROM busybox\\nCOPY file /file\\n' > docker/Dockerfile
        echo inner > docker/file; git add .; git commit -qm 3; git checkout -q main
        git clone -q --bare . ../served/repo.git
        printf '#!/bin/sh\\ntouch %s/hooked\\n' "$PWD" > ../served/repo.git/hooks/post-checkout
        chmod +x ../served/repo.git/hooks/post-checkout
        """
    )
    return f"{ADDRESS}/repo.git"


def test_build_with_a_repository(shell: Shell, repository: str, tmp_path: Path) -> None:
    for suffix, wanted in (
        ("", "newer"),
        ("#v1", "main"),
        ("#main", "newer"),
        ("#container:docker", "inner"),
        ("?branch=container&subdir=docker", "inner"),
    ):
        shell.ok(f"docker build -t r '{repository}{suffix}'")
        assert shell.ok("docker run --rm r cat /file") == wanted, suffix
    script = f"docker build -t r -f- {repository} <<EOF\nFROM busybox\nCOPY file /other\nEOF"
    shell.ok(script)
    assert shell.ok("docker run --rm r cat /other") == "newer"
    assert not (tmp_path / "work/hooked").exists()


@pytest.mark.parametrize("suffix", ["#nosuch", "#main:nosuch", "#main:../..", "?depth=1"])
def test_what_a_repository_has_not(shell: Shell, repository: str, suffix: str) -> None:
    if suffix.endswith(".."):  # it stays inside: the root of the repository
        shell.ok(f"docker build '{repository}{suffix}'")
        return
    done = shell(f"docker build '{repository}{suffix}'")
    assert (done.code, done.out, done.err.count(b"\n")) == (1, b"", 1), done


def test_a_commit_by_its_id(shell: Shell, repository: str) -> None:
    commit = shell.ok("git -C ../work rev-parse v1")
    for text in (f"#{commit}", f"#{commit[:12]}", f"?ref=v1&commit={commit[:20]}"):
        shell.ok(f"docker build -t r '{repository}{text}'")
        assert shell.ok("docker run --rm r cat /file") == "main"
    done = shell(f"docker build '{repository}?ref=main&commit={commit}'")
    assert done.code == 1 and f"not {commit}".encode() in done.err


def test_nothing_of_gits_own_is_in_the_context(shell: Shell, served: Path) -> None:
    shell.ok(
        f"""
        git init -q -b main ../sub; cd ../sub; {IDENTITY}; echo sub > s; git add .; git commit -qm 1
        git clone -q --bare . ../served/sub.git
        git init -q -b main ../top; cd ../top; {IDENTITY}
        printf 'FROM busybox\\nCOPY . /x\\n' > Dockerfile
        git submodule add -q {ADDRESS}/sub.git inner; git add .; git commit -qm 2
        git clone -q --bare . ../served/top.git
        docker build -t top {ADDRESS}/top.git
        """
    )
    found = shell.ok("docker run --rm top find /x").split()
    wanted = ["/x", "/x/.gitmodules", "/x/Dockerfile", "/x/inner", "/x/inner/s"]
    assert sorted(found) == wanted


HOSTILE = {
    "ext": ("a", "url = ext::sh -c touch% PWNED", "transport 'ext' not allowed"),
    "file": ("a", "url = HERE", "transport 'file' not allowed"),
    "update": ("a", "url = git://127.0.0.1/x.git\n\tupdate = !touch PWNED", "update"),
    "option": ("a", "url = --upload-pack=touch PWNED", "No url found"),
    "climbing": ("../../a", "url = git://127.0.0.1/x.git", "No url found"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_submodule(shell: Shell, kind: str, tmp_path: Path) -> None:
    name, lines, reason = HOSTILE[kind]
    pwned = tmp_path / "pwned"
    text = f'[submodule "{name}"]\n\tpath = a\n\t{lines}\n'.replace("PWNED", str(pwned))
    text = text.replace("HERE", str(tmp_path / "evil"))
    (tmp_path / "gitmodules").write_text(text)
    shell.ok(
        f"""
        git init -q -b main ../evil; cd ../evil; {IDENTITY}; echo FROM busybox > Dockerfile
        git add .; git commit -qm 1; cp ../gitmodules .gitmodules; git add .
        git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),a; git commit -qm 2
        git clone -q --bare . ../served/evil.git
        """
    )
    done = shell(f"docker build {ADDRESS}/evil.git")
    assert (done.code, done.out, done.err.count(b"\n")) == (1, b"", 1), done
    assert reason in done.err.decode(), done
    assert not pwned.exists()


def test_submodules_of_submodules_come_too(shell: Shell, served: Path) -> None:
    shell.ok(
        f"""
        below=
        for name in c b a; do
            git init -q -b main ../$name; cd ../$name; {IDENTITY}; echo $name > file
            printf 'FROM busybox\nCOPY . /x\n' > Dockerfile
            [ "$below" ] && git submodule add -q {ADDRESS}/$below.git "in $below"
            git add .; git commit -qm 1; git clone -q --bare . ../served/$name.git; below=$name
        done
        docker build -t nested {ADDRESS}/a.git
        """
    )
    assert shell.ok("docker run --rm nested cat '/x/in b/in c/file'") == "c"
    assert shell.ok("docker run --rm nested find /x -name .git") == ""


@pytest.mark.parametrize("where", ["top", "submodule"])
def test_a_repository_that_fills_the_disk_is_not_checked_out(
    shell: Shell, where: str, tmp_path: Path
) -> None:
    """A blob of zeros is small while it is packed, and a tree may name it again and again."""
    shell.ok(
        f"""
        git init -q -b main ../bomb; cd ../bomb; {IDENTITY}; echo FROM busybox > Dockerfile
        blob=$(head -c 10000000 /dev/zero | git hash-object -w --stdin); git add .
        for n in $(seq 2000); do printf '100644 %s\t%s\n' $blob $n; done |
            git update-index --index-info
        git commit -qm 1; git clone -q --bare . ../served/bomb.git
        git init -q -b main ../top; cd ../top; {IDENTITY}; echo FROM busybox > Dockerfile
        printf '[submodule "a"]\n\tpath = a\n\turl = {ADDRESS}/bomb.git\n' > .gitmodules
        git add .; git update-index --add --cacheinfo 160000,$(git -C ../bomb rev-parse HEAD),a
        git commit -qm 2; git clone -q --bare . ../served/top.git
        """
    )
    done = shell(f"docker build {ADDRESS}/{'bomb' if where == 'top' else 'top'}.git")
    assert (done.code, done.err.count(b"\n")) == (1, 1), done
    assert b"more than 17179869184 bytes" in done.err, done


def test_no_setting_of_the_users_runs_a_program(shell: Shell, repository: str) -> None:
    """~/.gitconfig may name filters and monitors: a repository must not wake them."""
    shell.ok(
        """
        git config --global filter.evil.smudge "touch $HOME/woken; cat"
        git config --global core.fsmonitor "touch $HOME/woken"
        cd ../work; echo '* filter=evil' > .gitattributes; git add .; git commit -qm attributes
        git push -q ../served/repo.git main; rm -f $HOME/woken
        """
    )
    shell.ok(f"docker build {repository}")
    assert not (shell.folder / "woken").exists()
