"""The stage that a session is recorded on: a bash on a terminal, in namespaces of its own.

    mount    an empty home, engine state and /run of its own; nothing reaches the machine
    net      only loopback
    pid      what the session leaves running ends with it
    uts, ipc   a host name that says where we are

bash is interactive, so jobs and "Killed" look as a reader sees them, and one shell runs
all commands. Its prompt is a mark that no program prints: it tells where an output ends,
also for a shell that a session starts inside.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from course import machine, stages
from course.session_files import Session, SessionError
from course.table import REPO

HOST = "course"
SIZE = (40, 100)  # lines and columns of the terminal
DEADLINE = 60.0  # seconds for one command
MARK = b"\x1e"
PROMPT = re.compile(MARK + rb"([^\x1e]{0,4})" + MARK)
QUIET = 0.4  # seconds after a prompt in which a background job may still say something
HOMES = ("/root", "/srv", "/mnt", "/media")
STATE = ("/var/lib/mini-docker", "/run")
UNSHARE = ["unshare", "-mnpiu", "--fork", "--kill-child", "--mount-proc"]
SETUP = """\
stty -echo -onlcr
ip link set lo up
hostname {host}
mount -t tmpfs -o mode=755 tmpfs {home}
{state}
mount --bind /dev/null /etc/bash.bashrc 2>/dev/null || :
chown {user} {home}
cd {home}
{drop} setsid --ctty --wait bash --norc --noprofile --noediting -i
"""


class Console:
    """A terminal with a bash on it, from the first command of a session to the last."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.folder = tempfile.TemporaryDirectory(prefix="session-", ignore_cleanup_errors=True)
        self.made: list[str] = []

    def __enter__(self) -> Console:
        self.terminal, inside = os.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("4H", *SIZE, 0, 0))
        home = next(it for it in HOMES if Path(it).is_dir() and not REPO.is_relative_to(it))
        self.shell = subprocess.Popen(
            [*UNSHARE, "sh", "-c", self._setup(home)],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env=self._environment(home),
            start_new_session=True,
        )
        os.close(inside)
        try:
            self._until_prompt("the shell")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def run(self, command: str) -> str:
        """Type *command* and return what appears before the next prompt."""
        os.write(self.terminal, command.encode() + b"\n")
        return self._until_prompt(command)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.shell.pid, signal.SIGKILL)  # unshare; --kill-child ends the rest
        self.shell.wait()
        os.close(self.terminal)
        for place in self.made:
            with suppress(OSError):
                os.rmdir(place)
        self.folder.cleanup()

    def _until_prompt(self, command: str) -> str:
        deadline = time.monotonic() + DEADLINE * machine.slowness()
        seen = b""
        while True:
            wait = deadline - time.monotonic()
            if prompt := PROMPT.search(seen):
                wait = QUIET if prompt[1] != b"0" else 0.0
            if not select.select([self.terminal], [], [], max(0.0, wait))[0]:
                break
            try:
                seen += os.read(self.terminal, 65536)
            except OSError as error:  # EIO: nobody is on the terminal any more
                said = seen.decode(errors="replace")[-200:]
                raise SessionError(f"the shell ended at `{command}`: {said}") from error
        if not PROMPT.search(seen):
            raise SessionError(f"`{command}` did not end; it printed {seen[-200:]!r}")
        return PROMPT.sub(b"", seen).decode(errors="replace").replace("\r", "")

    def _setup(self, home: str) -> str:
        lines = []
        for place in STATE:
            if not Path(place).exists():
                os.mkdir(place)
                self.made.append(place)
            lines.append(f"mount -t tmpfs -o mode=755 tmpfs {place}")
        ordinary = self.session.user == "ordinary"
        drop = "setpriv --reuid 1000 --regid 1000 --clear-groups" if ordinary else ""
        return SETUP.format(
            host=HOST,
            home=home,
            state="\n".join(lines),
            user="1000:1000" if ordinary else "0:0",
            drop=drop,
        )

    def _environment(self, home: str) -> dict[str, str]:
        folder = Path(self.folder.name)
        folder.chmod(0o755)
        for name, module in ("mini-docker", "mini_docker"), ("lab", "course.lab"):
            command = f"{shlex.quote(sys.executable)} -m {module}"
            wrapper = folder / name
            wrapper.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            wrapper.chmod(0o755)
        work = folder / "work"
        work.mkdir()
        if self.session.stage is not None:
            stages.write(work / "progress.json", self.session.stage)
        return {
            "PATH": f"{folder}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": home,
            "USER": self.session.user,
            "TERM": "dumb",
            "LANG": "C.UTF-8",
            "PS1": f"{MARK.decode()}\\j{MARK.decode()}",  # \\j: how many jobs there are
            "PS2": "",
            "HISTFILE": "",
            "PYTHONPATH": str(REPO),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MINI_DOCKER_PROGRESS": str(work / "progress.json"),
        }
