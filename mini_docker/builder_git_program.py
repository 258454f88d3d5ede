"""The program git, run on a repository whose owner may be hostile.

It has no settings but ours, speaks the PROTOCOLS and no other (a submodule's too), asks nobody
for a password, and runs no hook and no filter. What it may write is bounded: one file by
LARGEST, all of them by what a Budget has left; and so is what it may say.

git-config(1), git-ls-tree(1), git(1) "Environment Variables"; prlimit(1), setpriv(1).
"""

from __future__ import annotations

import os
import select
import stat
import time

from mini_docker.errors import ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping

PROTOCOLS = ("http", "https", "git", "ssh")
LARGEST = 2**33  # bytes of one file: more than any repository that is built from
MOST_BYTES = 2**34  # of all files, what is git's own included
MOST_FILES = 1_000_000  # and directories
MOST_MODULES = 1000  # submodules, and theirs
# No file beyond LARGEST, and an end with us, however that comes: both are kept over execve(2).
CONFINED = ("prlimit", f"--fsize={LARGEST}", "setpriv", "--pdeathsig", "KILL", "--")
SLOW = ("1000", "60")  # bytes a second, and for how many seconds a server may be slower
DEADLINE = 1800.0  # seconds for one command of git's
OFTEN = 1.0  # seconds between two looks at what it has written
SHORTLY = 2  # milliseconds: it has said all, and ends
PIECE = 2**16
COMPLAINT = 4096  # bytes that are kept of what it complains of: the last ones
ANSWER = 2**20  # bytes of what it says, at most
WRITES = ("fetch", "checkout", "submodule")  # commands
SETTINGS = {  # git-config(1)
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.symlinks": "true",
    "advice.detachedHead": "false",
    "init.defaultBranch": "main",
    "init.templateDir": "",
    "submodule.recurse": "false",
    "transfer.fsckObjects": "false",  # old repositories have harmless faults; checkout refuses .git
    "fetch.unpackLimit": "1",  # few objects in a pack as well: they are looked up more quickly
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


class Budget:
    """What a repository and its submodules may have: of files, bytes and submodules."""

    def __init__(self, directory: str) -> None:
        self.directory = directory  # that all of it is in
        self.files, self.bytes, self.modules = MOST_FILES, MOST_BYTES, MOST_MODULES

    def spend(self, files: int, size: int) -> str:
        """Take *files* of *size* bytes in all from what is left; return why that is too much."""
        self.files, self.bytes = self.files - files, self.bytes - size
        return self._excess(self.files, self.bytes)

    def look(self) -> str:
        """Return why what lies in the directory is too much, "" if it is not."""
        files, size = MOST_FILES, MOST_BYTES
        waiting = [self.directory]
        while waiting and not self._excess(files, size):
            try:
                with os.scandir(waiting.pop()) as rows:
                    for row in rows:
                        status = row.stat(follow_symlinks=False)
                        files, size = files - 1, size - 512 * status.st_blocks
                        if stat.S_ISDIR(status.st_mode):
                            waiting.append(row.path)
            except OSError:
                continue  # it is gone, as git's files may be while it runs; or too deep to read
        return self._excess(files, size)

    def _excess(self, files: int, size: int) -> str:
        if files < 0:
            return f"it has more than {MOST_FILES} files"
        return f"it has more than {MOST_BYTES} bytes" if size < 0 else ""


class Git:
    """git in one directory; *what* is what messages call the repository."""

    def __init__(self, directory: str, what: str, budget: Budget) -> None:
        self.directory = directory
        self.what = what
        self.budget = budget

    def refusal(self, why: str) -> ConfigError:
        """Return the error that says why there will be no files."""
        return ConfigError(f"cannot fetch {self.what}: {why}")

    def __call__(self, *words: str) -> str:
        """Run git with *words*; return what it says."""
        said: list[bytes] = []

        def take(data: bytes) -> None:
            said.append(data)
            if sum(map(len, said)) > ANSWER:
                raise self.refusal(f"git {words[0]} says more than {ANSWER} bytes")

        self.run(words, take)
        return b"".join(said).decode("utf-8", "replace")

    def weigh(self, commit: str) -> list[tuple[str, str]]:
        """Refuse *commit* if its files are too many; return its submodules: commits, paths."""
        modules: list[tuple[str, str]] = []
        rest = b""

        def take(data: bytes) -> None:
            nonlocal rest
            *rows, rest = (rest + data).split(b"\0")
            total = 0
            for row in rows:
                what, _, path = row.partition(b"\t")
                mode, _, id, size = what.decode().split()
                if mode == "160000":
                    modules.append((id, os.fsdecode(path)))
                total += int(size) if size.isdigit() else 0
            excess = self.budget.spend(len(rows), total)
            if len(modules) > MOST_MODULES:
                excess = f"it has more than {MOST_MODULES} submodules"
            if excess or len(rest) > ANSWER:
                raise self.refusal(excess or "it has a path without an end")

        self.run(("ls-tree", "-r", "-l", "-z", "--full-tree", commit), take)
        return modules

    def run(self, words: tuple[str, ...], take: Callable[[bytes], None]) -> None:
        """Run git with *words*, and give *take* what it says; ConfigError if it fails.

        It is ended if *take* raises, if it has written too much or takes too long.
        """
        import subprocess  # not every build is one from git

        settings = [word for pair in SETTINGS.items() for word in ("-c", "=".join(pair))]
        try:
            git = subprocess.Popen(
                [*CONFINED, "git", *settings, *words],
                cwd=self.directory,
                env=environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            )
        except OSError as error:
            raise self.refusal(f"git does not start: {reason(error)}") from error
        with git:
            try:
                complaint = self._follow(git, take)
            finally:
                if git.poll() is None:
                    os.killpg(git.pid, 9)  # and its helpers
        if git.returncode:
            raise self.refusal(why(complaint))
        if words[0] in WRITES and (excess := self.budget.look()):
            raise self.refusal(excess)

    def _follow(self, git: subprocess.Popen[bytes], take: Callable[[bytes], None]) -> bytes:
        """Return the end of what *git* complains of, when it has ended."""
        assert git.stdout and git.stderr
        out, complaint, open_ = git.stdout.fileno(), b"", 2
        poll = select.poll()
        poll.register(git.stdout, select.POLLIN)
        poll.register(git.stderr, select.POLLIN)
        watch = _Watch(self)
        while open_ or git.poll() is None:
            for descriptor, _ in poll.poll(1000 * OFTEN if open_ else SHORTLY):
                data = os.read(descriptor, PIECE)
                if not data:
                    poll.unregister(descriptor)
                    open_ -= 1
                elif descriptor == out:
                    take(data)
                else:
                    complaint = (complaint + data)[-COMPLAINT:]
            watch.look()
        return complaint


class _Watch:
    """Looks now and then at what *git* takes: of time, and in its directory."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._last = time.monotonic() + DEADLINE
        self._next = time.monotonic() + OFTEN

    def look(self) -> None:
        """Refuse what takes too long, or has written too much."""
        now = time.monotonic()
        if now > self._last:
            raise self._git.refusal(f"git takes longer than {DEADLINE:g} s")
        if now > self._next:
            if excess := self._git.budget.look():
                raise self._git.refusal(excess)
            # Where there is much to look at, git gets most of the time all the same.
            self._next = time.monotonic() + max(OFTEN, 5 * (time.monotonic() - now))


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Return git's environment: what it needs of *ours*, and no configuration of anybody's."""
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


def why(said: bytes) -> str:
    """Return git's reason in one line: what it calls fatal or an error, else what it said last."""
    lines = [line.strip() for line in said[-COMPLAINT:].decode("utf-8", "replace").splitlines()]
    told = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    line = (told or [line for line in lines if line] or ["it failed and said nothing"])[0]
    return line.removeprefix("fatal: ").removeprefix("error: ")
