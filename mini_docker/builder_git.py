"""A git repository as the source of a build: which one, which commit, which directory of it.

    https://HOST/PATH.git#REF:DIRECTORY      REF: a branch, a tag or a commit; HEAD if none
    https://HOST/PATH.git?branch=B&subdir=D  the same as a query: ref, branch, tag, commit, subdir
    git://HOST/PATH    ssh://USER@HOST/PATH    USER@HOST:PATH    github.com/OWNER/NAME

The system's own git fetches it, one commit deep. Whoever owns the repository may be hostile:
git runs without any settings but ours, speaks the PROTOCOLS and no other (a submodule's too),
asks nobody for a password, runs no hook and no filter, and writes no file beyond LARGEST.

git-fetch(1), git-submodule(1), gitmodules(5); docs.docker.com, "Build context", "Git URLs".
"""

from __future__ import annotations

import os
import re

from mini_docker.errors import ConfigError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PROTOCOLS = ("http", "https", "git", "ssh")
SCHEME = re.compile(r"(?P<scheme>[A-Za-z0-9]+)://")
SCP = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^/].*")  # USER@HOST:PATH, as scp(1) has it
COMMIT = re.compile("[0-9a-f]{7,64}")  # its id, or how that begins
REF = re.compile(r"[^-\s~^:?*\[\\\x00-\x20\x7f][^\s~^:?*\[\\\x00-\x20\x7f]*")
LARGEST = 2**33  # bytes of one file: more than any repository that is built from
# No file beyond LARGEST, and an end with us, however that comes: both are kept over execve(2).
CONFINED = ("prlimit", f"--fsize={LARGEST}", "setpriv", "--pdeathsig", "KILL", "--")
SLOW = ("1000", "60")  # bytes a second, and for how many seconds a server may be slower
DEADLINE = 1800.0  # seconds for one command of git's
SETTINGS = {  # git-config(1)
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.symlinks": "true",
    "advice.detachedHead": "false",
    "init.defaultBranch": "main",
    "init.templateDir": "",
    "submodule.recurse": "false",
    "transfer.fsckObjects": "false",  # old repositories have harmless faults; checkout refuses .git
    "protocol.allow": "never",
    **{f"protocol.{name}.allow": "always" for name in PROTOCOLS},
    "http.lowSpeedLimit": SLOW[0],
    "http.lowSpeedTime": SLOW[1],
}
KEPT = (  # of our environment: what reaches a server, and how
    *("PATH", "HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR"),
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
)


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
    git = _Git(directory, _shown(remote.url))
    git("init", "-q")
    git("remote", "add", "origin", "--", remote.url)
    wanted = remote.ref or "HEAD"
    try:
        git("fetch", "-q", "--depth", "1", "--no-tags", "--", "origin", wanted)
        git("checkout", "-q", "FETCH_HEAD", "--")
    except ConfigError:
        if not COMMIT.fullmatch(wanted):
            raise
        # Few servers give a commit by its id: have all, and look for it there.
        git("fetch", "-q", "--tags", "--", "origin", "+refs/heads/*:refs/remotes/origin/*")
        git("checkout", "-q", "--detach", wanted, "--")
    commit = git("rev-parse", "HEAD").strip()
    if remote.commit and not commit.startswith(remote.commit):
        raise git.refusal(f"{wanted} is the commit {commit}, not {remote.commit}")
    if os.path.lexists(f"{directory}/.gitmodules"):
        words = ("update", "-q", "--init", "--recursive", "--checkout", "--depth", "1")
        git("submodule", *words)
    if not keep:
        git.forget()
    return commit


class _Git:
    """git in one directory, with no settings but ours."""

    def __init__(self, directory: str, what: str) -> None:
        self.directory = directory
        self.what = what

    def refusal(self, why: str) -> ConfigError:
        """Return the error that says why there will be no files."""
        return ConfigError(f"cannot fetch {self.what}: {why}")

    def __call__(self, *words: str) -> str:
        """Run git with *words*; return what it says."""
        import shutil
        import subprocess

        if not shutil.which("git"):
            raise ConfigError(
                "git is not installed: a repository is fetched by it (apt-get install git)"
            )
        settings = [word for pair in SETTINGS.items() for word in ("-c", "=".join(pair))]
        try:
            done = subprocess.run(
                [*CONFINED, "git", *settings, *words],
                cwd=self.directory,
                env=_environment(os.environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=DEADLINE,
                check=False,
            )
        except OSError as error:
            raise self.refusal(f"git does not start: {reason(error)}") from error
        except subprocess.TimeoutExpired:
            raise self.refusal(f"git takes longer than {DEADLINE:g} s") from None
        if done.returncode:
            raise self.refusal(_why(done.stderr))
        return done.stdout.decode("utf-8", "replace")

    def forget(self) -> None:
        """Remove what is git's own here, also of submodules: the directory .git, the files .git."""
        from mini_docker import trees

        trees.remove(f"{self.directory}/.git")
        for folder, _, files in os.walk(self.directory):
            if ".git" in files:
                os.unlink(f"{folder}/.git")


def _shown(url: str) -> str:
    """Return *url* for a message: without the password that it may have."""
    return re.sub(r"//[^/@]*@", "//", url)


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    kept = {name: ours[name] for name in KEPT if name in ours}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": ":".join(PROTOCOLS),
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }


def _why(said: bytes) -> str:
    """Return git's reason in one line: what it calls fatal or an error, else what it said last."""
    lines = [line.strip() for line in said[-4096:].decode("utf-8", "replace").splitlines()]
    told = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    line = (told or [line for line in lines if line] or ["it failed and said nothing"])[0]
    return line.removeprefix("fatal: ").removeprefix("error: ")
