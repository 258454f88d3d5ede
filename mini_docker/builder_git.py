"""A git repository as the source of a build: which one, which commit, which directory of it.

    https://HOST/PATH.git#REF:DIRECTORY      REF: a branch, a tag or a commit; HEAD if none
    https://HOST/PATH.git?branch=B&subdir=D  the same as a query: ref, branch, tag, commit, subdir
    git://HOST/PATH    ssh://USER@HOST/PATH    USER@HOST:PATH    github.com/OWNER/NAME

The system's own git fetches it, one commit deep. Whoever owns the repository may be hostile:
see builder_git_program.py. What a commit brings is weighed before it is checked out.

git-fetch(1), git-submodule(1), gitmodules(5); docs.docker.com, "Build context", "Git URLs".
"""

from __future__ import annotations

import os
import re

from mini_docker import trees
from mini_docker.builder_git_program import MOST_MODULES, PROTOCOLS, Budget, Git
from mini_docker.errors import ConfigError, UsageError

SCHEME = re.compile(r"(?P<scheme>[A-Za-z0-9]+)://")
SCP = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^/].*")  # USER@HOST:PATH, as scp(1) has it
COMMIT = re.compile("[0-9a-f]{7,64}")  # its id, or how that begins
REF = re.compile(r"[^-\s~^:?*\[\\\x00-\x20\x7f][^\s~^:?*\[\\\x00-\x20\x7f]*")


class Remote:
    """What a URL names: the repository's own *url*, a *ref*, a *commit*, a *subdirectory*."""

    __slots__ = ("commit", "ref", "subdirectory", "url")

    def __init__(self, url: str, ref: str = "", subdirectory: str = "", commit: str = "") -> None:
        self.url = url
        self.ref = ref
        self.subdirectory = subdirectory
        self.commit = commit  # that *ref* has to be, at least its first digits


def parse(text: str) -> Remote | None:
    """Return the repository that *text* names; None if it names none, such as a path.

    http:// and https:// count when the path ends in ".git". UsageError for a ref or a query
    that makes no sense.

    >>> it = parse("https://example.com/a.git#v1:docs"); it.url, it.ref, it.subdirectory
    ('https://example.com/a.git', 'v1', 'docs')
    """
    address, mark, fragment = text.partition("#")
    address, _, query = address.partition("?")
    if not _is_repository(address):
        return None
    if address.startswith("github.com/"):
        address = f"https://{address}"
    if mark and query:
        raise UsageError(f"cannot use the address {text!r:.200}: a query, or a fragment, not both")
    remote = Remote(address)
    if query:
        _read_query(remote, query, text)
    else:
        remote.ref, _, remote.subdirectory = fragment.partition(":")
    if remote.ref and not REF.fullmatch(remote.ref):
        raise UsageError(f"cannot use the address {text!r:.200}: invalid ref {remote.ref!r:.100}")
    if remote.commit and not COMMIT.fullmatch(remote.commit):
        raise UsageError(f"cannot use the address {text!r:.200}: invalid commit")
    return remote


def _is_repository(address: str) -> bool:
    if scheme := SCHEME.match(address):
        name = scheme["scheme"].lower()
        return name in PROTOCOLS and (name in ("git", "ssh") or address.endswith(".git"))
    return address.startswith("github.com/") or bool(SCP.fullmatch(address))


def _read_query(remote: Remote, query: str, text: str) -> None:
    """Put what *query* says into *remote*."""
    from urllib.parse import parse_qsl

    for key, value in parse_qsl(query, keep_blank_values=True, max_num_fields=8):
        if key in ("ref", "branch", "tag"):
            remote.ref = value
        elif key in ("commit", "checksum"):
            remote.commit = value
        elif key == "subdir":
            remote.subdirectory = value
        else:
            known = "ref, branch, tag, commit, subdir"
            raise UsageError(f"cannot use the address {text!r:.200}: {key!r} is none of {known}")
    remote.ref = remote.ref or remote.commit


def fetch(remote: Remote, directory: str, keep: bool = False) -> str:
    """Check the commit that *remote* names out to *directory*, which is empty; return its id.

    Its submodules come with it. Without *keep* nothing of git's own stays. ConfigError, with
    git's reason, if there is no such repository or ref.
    """
    import shutil

    if not shutil.which("git"):
        raise ConfigError(
            "git is not installed: a repository is fetched by it (apt-get install git)"
        )
    git = Git(directory, _shown(remote.url), Budget(directory))
    git("init", "-q")
    git("remote", "add", "origin", "--", remote.url)
    wanted = remote.ref or "HEAD"
    try:
        git("fetch", "-q", "--depth", "1", "--no-tags", "--", "origin", wanted)
        commit = _commit(git, "FETCH_HEAD")
    except ConfigError:
        if not COMMIT.fullmatch(wanted):
            raise
        # Few servers give a commit by its id: have all, and look for it there.
        git("fetch", "-q", "--tags", "--", "origin", "+refs/heads/*:refs/remotes/origin/*")
        commit = _commit(git, wanted)
    if remote.commit and not commit.startswith(remote.commit):
        raise git.refusal(f"{wanted} is the commit {commit}, not {remote.commit}")
    modules = git.weigh(commit)
    git("checkout", "-q", "--detach", commit, "--")
    inner = _submodules(git, modules)
    if not keep:
        trees.remove(f"{directory}/.git")
        for module in inner:
            os.unlink(f"{module}/.git")
    return commit


def _commit(git: Git, name: str) -> str:
    return git("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").strip()


def _submodules(git: Git, modules: list[tuple[str, str]]) -> list[str]:
    """Check out the submodules of what *git* has checked out, and theirs; return where they are.

    Each is fetched, then weighed, and only then do its files come.
    """
    found: list[str] = []
    pending = [(git, modules)]
    while pending:
        here, modules = pending.pop()
        if not modules or not os.path.lexists(f"{here.directory}/.gitmodules"):
            continue
        here("submodule", "-q", "init")
        for name in _names(here):
            here("config", f"{name}.update", "!true")  # instead of a checkout
        here("submodule", "-q", "update", "--depth", "1")
        inner = []
        for commit, path in modules:
            place = f"{here.directory}/{path}"
            if os.path.lexists(f"{place}/.git") and os.path.realpath(place) == place:
                module = Git(place, f"{here.what}, submodule {path}", here.budget)
                inner.append((module, module.weigh(commit)))
                module("checkout", "-q", "--detach", commit, "--")
        found += [module.directory for module, _ in inner]
        pending += inner
    return found


def _names(git: Git) -> list[str]:
    """Return submodule.NAME for each submodule that *git* knows, NAME as the repository says."""
    said = git("config", "-z", "--local", "--name-only", "--get-regexp", r"^submodule\..*\.url$")
    names = [key.removesuffix(".url") for key in said.split("\0") if key]
    git.budget.modules -= len(names)
    if git.budget.modules < 0:
        raise git.refusal(f"it has more than {MOST_MODULES} submodules")
    return names


def _shown(url: str) -> str:
    """Return *url* for a message: without the password that it may have."""
    return re.sub(r"//[^/@]*@", "//", url)
