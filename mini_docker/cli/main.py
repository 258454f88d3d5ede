"""mini-docker: find the command, read its flags, run it, and report a failure in one line."""

from __future__ import annotations

import os
import sys

from mini_docker import swap
from mini_docker.cli import commands, options
from mini_docker.errors import FlagError, MiniDockerError, reason
from mini_docker.store import Store

OUTSIDE = (  # commands that need no rights at all
    *("help", "images", "info", "login", "logout", "registry serve", "search", "version"),
)
FAILED_OUTPUT = (5, 9, 28, 122)  # EIO, EBADF, ENOSPC, EDQUOT


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code: 0, 1, 64, 125 to 128 + n."""
    words = sys.argv[1:] if argv is None else argv
    # The modes of what we make are ours to say: a container's user reads some of it.
    os.umask(0o022)
    debug = False
    name = ""
    try:
        given = options.parse(commands.GLOBAL, words)
        debug = given.debug
        if given.version:
            given.arguments = ["version", "--short"]
        if given.help or commands.is_help(given.arguments):
            return _help(given.arguments)
        name, rest = _split(given.arguments)
        return _run(name, rest, _store(name, given.root))
    except MiniDockerError as error:
        return _report(error, name, debug)
    except BrokenPipeError:
        # The reader of our output has left: nothing is wrong, and nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if debug:
            raise
        code = _report(_explain(error), name, debug)
        return code if isinstance(error, OSError) else 125


def _explain(error: Exception) -> MiniDockerError:
    """Return *error*, which nothing closer to it has explained, in one line."""
    if told := swap.explain(error):
        return MiniDockerError(told)
    if not isinstance(error, OSError):
        return MiniDockerError(f"{type(error).__name__}: {error} (this is a bug: --debug)")
    if error.errno in FAILED_OUTPUT and not error.filename:
        # What the buffer holds would fail once more at our end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return MiniDockerError(f"cannot write the output: {reason(error)}")
    where = f": {error.filename}" if error.filename else ""
    return MiniDockerError(f"the kernel refused: {reason(error)}{where}")


def _store(name: str, root: str) -> Store:
    """Return the store at *root*; an ordinary user enters the user namespace that it takes."""
    if os.geteuid() == 0 or swap.locked("users"):
        return Store(root)
    from mini_docker import rootless

    rootless.settle()
    store = Store(root)
    if name not in OUTSIDE:
        rootless.enter(store)
    return store


def _run(name: str, words: list[str], store: Store) -> int:
    if swap.student():
        from mini_docker import swap_loader

        swap_loader.tidy(name)
    module = commands.load(name)
    values = options.parse(module.COMMAND, words)
    if values.help:
        return _help([name])
    if swap.student():
        swap.needs(name, values.given)
        if name in ("run", "exec") and sys.stderr.isatty():
            print(f"mini-docker: {swap.banner()}", file=sys.stderr)
    code = int(module.execute(values, store))
    sys.stdout.flush()
    return code


def _split(words: list[str]) -> tuple[str, list[str]]:
    """Return the command that *words* begin with, and the words after it."""
    for count in (2, 1):
        typed = " ".join(words[:count])
        name = commands.ALIASES.get(typed, typed)
        if name in commands.COMMANDS:
            return name, words[count:]
    from mini_docker.cli.refusals import no_command

    raise no_command(words)


def _report(error: MiniDockerError, name: str, debug: bool) -> int:
    """Print *error* in one line and return the exit code: each command has Docker's."""
    if debug:
        import traceback

        traceback.print_exc()
    text = " ".join(str(error).split("\n"))
    if not text.isprintable():  # a name out of an image must not steer the terminal
        text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    print(f"mini-docker: {text}", file=sys.stderr)
    code = error.exit_code
    own = name == "run" or (name == "exec" and code > 125) or code == 64
    return code if own or isinstance(error, FlagError) else 1


def _help(words: list[str]) -> int:
    from mini_docker.cli.help import show

    show(words)
    return 0
