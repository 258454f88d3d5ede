"""--help, in the layout of the docker command."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Command, Flag


def show(words: list[str]) -> None:
    """Print the help of the command that *words* name, or of the whole program."""
    from mini_docker.cli import main

    name = " ".join(words)
    print(of_command(main.load(name).COMMAND) if name else of_program())


def of_command(command: Command) -> str:
    """Return the help of one command: usage, summary, flags."""
    lines = ["", f"Usage:  {command.usage}", "", command.summary]
    shown = sorted((flag for flag in command.flags if flag.help), key=lambda flag: flag.name)
    if shown:
        heads = [_head(flag) for flag in shown]
        width = max(len(head) for head in heads)
        lines += ["", "Options:"]
        lines += [
            f"  {head.ljust(width)}   {flag.help}" for head, flag in zip(heads, shown, strict=True)
        ]
    return "\n".join(lines)


def of_program() -> str:
    """Return the help of mini-docker: its flags, and each command with its summary."""
    from mini_docker.cli import main

    names = sorted(main.COMMANDS)
    width = max(len(name) for name in names)
    rows = [f"  {name.ljust(width)}   {main.load(name).COMMAND.summary}" for name in names]
    tail = ["", "Run 'mini-docker COMMAND --help' for more information on a command."]
    return "\n".join([of_command(main.GLOBAL), "", "Commands:", *rows, *tail])


def _head(flag: Flag) -> str:
    from mini_docker.cli import kinds

    short = f"-{flag.short}, " if flag.short else "    "
    word = flag.metavar or kinds.KINDS[flag.kind][0]
    return f"{short}--{flag.name}{' ' + word if word else ''}"
