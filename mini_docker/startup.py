"""Start the command, and end it without a slow goodbye: ``bin/mini-docker`` calls main()."""

from __future__ import annotations

import sys

from mini_docker.startup_os import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run the command line, and end at once: the kernel cleans up faster than Python."""
    open_streams()
    from mini_docker.cli.main import main as run

    code = run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or 141
    os._exit(code)


def open_streams() -> None:
    """Put /dev/null where the caller has closed a standard stream ("<&-" in a shell).

    Otherwise the first file that we open would get its number, and pass for it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:  # Python found no open file of that number
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
