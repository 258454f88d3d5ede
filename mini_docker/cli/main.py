"""mini-docker: find the command, read its flags, run it, and report a failure in one line."""

from __future__ import annotations

import os
import sys

from mini_docker import swap
from mini_docker.cli import options
from mini_docker.errors import MiniDockerError, UsageError
from mini_docker.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What is typed, and the module that has COMMAND and execute. Docker knows several by two names.
COMMANDS = {
    "run": "run",
    "exec": "exec",
    "ps": "ps",
    "inspect": "inspect",
    "kill": "kill",
    "rm": "rm",
    "pause": "pause",
    "unpause": "unpause",
    "stats": "stats",
    "top": "top",
    "update": "update",
    "wait": "wait",
    "info": "info",
    "version": "version",
    "images": "images",
    "image bootstrap": "image_bootstrap",
    "system check": "system_check",
}
ALIASES = {
    **{
        f"container {name}": name
        for name in (
            *("run", "exec", "inspect", "kill", "rm", "pause", "unpause"),
            *("stats", "top", "update", "wait"),
        )
    },
    "container ls": "ps",
    "container list": "ps",
    "container ps": "ps",
    "image ls": "images",
    "image list": "images",
    "system info": "info",
}
GLOBAL = options.Command(
    "",
    "A container engine to read and to rebuild",
    "mini-docker [OPTIONS] COMMAND",
    (
        options.Flag("debug", "D", help="Show a traceback when something fails"),
        options.Flag("root", "", "string", help="Keep all state below this directory"),
        options.Flag("version", "v", help="Print version information and quit"),
    ),
    interspersed=False,
)


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code: 0, 1, 125 to 128 + n."""
    words = sys.argv[1:] if argv is None else argv
    debug = False
    name = ""
    try:
        given = options.parse(GLOBAL, words)
        debug = given.debug
        if given.version:
            given.arguments = ["version", "--short"]
        if given.help or not given.arguments:
            return _help(given.arguments)
        name, rest = _split(given.arguments)
        return _run(name, rest, Store(given.root))
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
        told = swap.explain(error) or f"{type(error).__name__}: {error} (this is a bug: --debug)"
        print(f"mini-docker: {told}", file=sys.stderr)
        return 125


def _run(name: str, words: list[str], store: Store) -> int:
    module = load(name)
    values = options.parse(module.COMMAND, words)
    if values.help:
        return _help([name])
    if swap.student():
        swap.needs(name, values.given)
        if (banner := swap.banner()) and sys.stderr.isatty():
            print(f"mini-docker: {banner}", file=sys.stderr)
    code = int(module.execute(values, store))
    sys.stdout.flush()
    return code


def load(name: str) -> Any:
    """Return the module of the command *name*: it has COMMAND and execute."""
    module = f"mini_docker.cli.{COMMANDS[name]}"
    return __import__(module, None, None, ["COMMAND"])


def _split(words: list[str]) -> tuple[str, list[str]]:
    """Return the command that *words* begin with, and the words after it."""
    for count in (2, 1):
        typed = " ".join(words[:count])
        name = ALIASES.get(typed, typed)
        if name in COMMANDS:
            return name, words[count:]
    from mini_docker.cli import later
    from mini_docker.cli.suggest import nearest

    if remark := later.command(words[0]):
        raise UsageError(f"'{words[0]}' {remark}.  See 'mini-docker --help'.")
    groups = {known.partition(" ")[0] for known in (*COMMANDS, *ALIASES) if " " in known}
    typed = " ".join(words[:2]) if words[0] in groups else words[0]
    near = nearest(typed, [*COMMANDS, *ALIASES])
    hint = f" (did you mean '{near}'?)" if near else ""
    raise UsageError(f"'{typed}' is not a mini-docker command{hint}.  See 'mini-docker --help'.")


def _report(error: MiniDockerError, name: str, debug: bool) -> int:
    """Print *error* in one line and return the exit code: run and exec have Docker's own."""
    if debug:
        import traceback

        traceback.print_exc()
    text = " ".join(str(error).split("\n"))
    print(f"mini-docker: {text}", file=sys.stderr)
    if isinstance(error, UsageError) or name in ("run", "exec"):
        return error.exit_code
    return 1


def _help(words: list[str]) -> int:
    from mini_docker.cli.help import show

    show(words)
    return 0
