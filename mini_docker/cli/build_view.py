"""What a build shows, in the words of docker's classic builder.

    Step 2/3 : RUN make
     ---> Running in 0d1fdd0f8d9c
    Removing intermediate container 0d1fdd0f8d9c
     ---> 3f57d9401f8d

Plain shows the output of a command as it comes. On a terminal (build_live.py) it is a few
moving lines, and all of it when the step is done. Quiet shows nothing, unless the step fails.
"""

from __future__ import annotations

import os
import sys

from mini_docker import builder_build

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

KEPT = 2**20  # bytes of a command's output
RED, NORMAL = b"\x1b[91m", b"\x1b[0m"  # how docker marks stderr on a terminal


class Classic(builder_build.View):
    """Docker's lines on stdout, the output of commands among them."""

    def __init__(self) -> None:
        self.out = sys.stdout
        self.colour = self.out.isatty() and os.environ.get("TERM") != "dumb"
        self.warnings: list[str] = []

    def say(self, text: str) -> None:
        """Print one line of ours."""
        self.out.write(f"{plain(text)}\n")
        self.out.flush()

    def step(self, number: int, total: int, text: str) -> None:
        self.say(f"Step {number}/{total} : {text}")

    def cached(self) -> None:
        self.say(" ---> Using cache")

    def running(self, container: str) -> None:
        self.say(f" ---> Running in {container[:12]}")

    def output(self, stream: int, data: bytes) -> None:
        if stream == 2 and self.colour:
            data = RED + data + NORMAL
        self.out.buffer.write(data)
        self.out.flush()

    def removed(self, container: str) -> None:
        self.say(f"Removing intermediate container {container[:12]}")

    def image(self, id: str) -> None:
        self.say(f" ---> {short(id)}")

    def warning(self, text: str) -> None:
        self.say(f"[Warning] {text}")

    def built(self, id: str) -> None:
        self.say(f"Successfully built {short(id)}")

    def tagged(self, name: str) -> None:
        self.say(f"Successfully tagged {name}")

    def progress(self) -> TextIO | None:
        """Return where the progress of a pull goes; None if nowhere."""
        return self.out

    def close(self, failed: bool) -> None:
        """End the view; if the build has *failed*, show what has been kept back."""


class Kept:
    """The last KEPT bytes of what was written."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._cut = False

    def add(self, data: bytes) -> None:
        """Take *data* as well."""
        self._data += data
        if len(self._data) > 2 * KEPT:
            del self._data[:-KEPT]
            self._cut = True

    def clear(self) -> None:
        """Forget all."""
        self._data.clear()
        self._cut = False

    def text(self) -> str:
        """Return it as lines that steer no terminal."""
        text = self._data.decode("utf-8", "replace").replace("\r\n", "\n")
        lines = "\n".join(plain(line) for line in text.split("\n"))
        return f"[...]\n{lines}" if self._cut else lines


class Quiet(Classic):
    """Nothing but the id, in the end; a step that fails shows what it has written."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = Kept()

    def say(self, text: str) -> None:
        self._kept.add(f"{plain(text)}\n".encode())

    def output(self, stream: int, data: bytes) -> None:
        self._kept.add(data)

    def built(self, id: str) -> None:
        self.out.write(f"{id}\n")

    def tagged(self, name: str) -> None:
        return

    def progress(self) -> TextIO | None:
        return None

    def close(self, failed: bool) -> None:
        if failed:
            sys.stderr.write(self._kept.text())


def short(id: str) -> str:
    """Return how an image is called in these lines: the first twelve digits."""
    return id.removeprefix("sha256:")[:12]


def plain(text: str) -> str:
    """Return one line of *text*, which may come from anybody, with nothing to steer a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in text)
