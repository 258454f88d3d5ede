"""--help, in the layout of the docker command."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Command, Flag

COLUMNS = 80  # where the output is no terminal
ORPHAN = 5  # columns by which a last word may stand out, so that it is not alone on a line
NARROWEST = 24  # columns that a flag's text needs beside the flag


def show(words: list[str]) -> None:
    """Print the help of the command or the group that *words* name, or of the whole program.

    *words* may begin with "help" and end with --help. CommandLineError if they name nothing.
    """
    from mini_docker.cli import commands

    words = words[words[:1] == ["help"] :]
    words = [word for word in words if word not in ("--help", "-h")]
    for count in (2, 1):
        typed = " ".join(words[:count])
        name = commands.ALIASES.get(typed, typed)
        if name in commands.COMMANDS:
            print(of_command(commands.load(name).COMMAND, _columns()))
            return
    if words and (words[0] not in commands.GROUPS or words[1:]):
        from mini_docker.cli.refusals import no_command

        raise no_command(words)
    print(of_group(words[0]) if words else of_program(_columns()))


def of_command(command: Command, columns: int = COLUMNS) -> str:
    """Return the help of one command: usage, summary, other names, flags.

    No line of a flag's text goes beyond *columns*; the flags are in alphabetical order.
    """
    from mini_docker.cli import commands

    lines = [f"Usage:  {command.usage}", "", command.summary]
    others = [alias for alias, name in commands.ALIASES.items() if name == command.name]
    if others:
        names = ", ".join(f"mini-docker {name}" for name in [*others, command.name])
        lines += ["", "Aliases:", f"  {names}"]
    flags = sorted((flag for flag in command.flags if flag.help), key=lambda flag: flag.name)
    if flags:
        lines += ["", "Options:" if command.name else "Global Options:", *_options(flags, columns)]
    return "\n".join(lines)


def of_group(group: str) -> str:
    """Return the help of what stands before commands, such as "image": which they are."""
    from mini_docker.cli import commands

    typable = {**{name: name for name in commands.COMMANDS}, **commands.ALIASES}
    rows = {
        typed.removeprefix(f"{group} "): commands.load(name).COMMAND.summary
        for typed, name in sorted(typable.items())
        if typed.startswith(f"{group} ") and typed not in commands.SECOND_NAMES
    }
    width = max(len(name) for name in rows)
    lines = [f"  {name.ljust(width)}   {summary}" for name, summary in rows.items()]
    words = f"mini-docker {group}"
    head = f"Usage:  {words} COMMAND\n\n{commands.GROUPS[group]}"
    tail = f"Run '{words} COMMAND --help' for more information on a command."
    return "\n\n".join([head, "\n".join(["Commands:", *lines]), tail])


def of_program(columns: int = COLUMNS) -> str:
    """Return the help of mini-docker: each command with its summary, and its own flags."""
    from mini_docker.cli import commands

    names = sorted(commands.COMMANDS)
    width = max(len(name) for name in names)
    rows = [f"  {name.ljust(width)}   {commands.load(name).COMMAND.summary}" for name in names]
    usage, summary, flags = of_command(commands.GLOBAL, columns).split("\n\n", 2)
    tail = "Run 'mini-docker COMMAND --help' for more information on a command."
    return "\n\n".join([usage, summary, "\n".join(["Commands:", *rows]), flags, tail])


def _columns() -> int:
    try:
        return os.get_terminal_size(1).columns or COLUMNS
    except OSError:
        return COLUMNS


def _options(flags: list[Flag], columns: int) -> list[str]:
    """Return the lines of *flags*: name and kind of value, three blanks, text."""
    heads = [_head(flag) for flag in flags]
    indent = max(len(head) for head in heads) + 5
    rows = []
    for head, flag in zip(heads, flags, strict=True):
        text = flag.help + _default(flag)
        lines = _wrap(text, columns - indent) if columns - indent >= NARROWEST else [text]
        rows.append(f"  {head.ljust(indent - 5)}   {lines[0]}")
        rows += [" " * indent + line for line in lines[1:]]
    return rows


def _wrap(text: str, width: int) -> list[str]:
    """Return *text* as lines of at most *width* columns, broken at blanks and line feeds."""
    limit = width - ORPHAN
    lines = []
    while len(text) >= width or "\n" in text[:limit]:
        end = text[:limit].rfind("\n") if "\n" in text[:limit] else text[:limit].rfind(" ")
        if end <= 0:
            break
        lines.append(text[:end])
        text = text[end + 1 :]
    return [*lines, text]


def _head(flag: Flag) -> str:
    from mini_docker.cli import kinds

    short = f"-{flag.short}, " if flag.short else "    "
    word = flag.metavar or kinds.KINDS[flag.kind][0]
    return f"{short}--{flag.name}{' ' + word if word else ''}"


def _default(flag: Flag) -> str:
    """Return the remark on a default that is worth one: no false, zero or empty one is."""
    if not flag.default or isinstance(flag.default, list):
        return ""
    if isinstance(flag.default, str):
        return f' (default "{flag.default}")'
    return f" (default {str(flag.default).lower()})"
