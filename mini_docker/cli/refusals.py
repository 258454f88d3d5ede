"""What the command line says to words that make no sense; imported when one does not."""

from __future__ import annotations

from mini_docker.cli import commands, later
from mini_docker.errors import CommandLineError, FlagError
from mini_docker.suggest import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Command

RUNS = ("create", "exec", "run")  # whose flags later.py has
BUILDX = {  # what docker's plugin has besides
    "bake": "there is no file of many builds here; run 'mini-docker build' for each",
    "create": "there is one builder, and it is in this program",
    "du": "see 'mini-docker system df' for the size of the build cache",
    "imagetools": "see 'mini-docker image inspect' and 'mini-docker push'",
    "inspect": "there is one builder, and it is in this program",
    "ls": "there is one builder, and it is in this program",
    "rm": "there is one builder, and it is in this program",
    "stop": "there is one builder, and it ends with each build",
    "use": "there is one builder, and it is in this program",
}


def refusal(command: Command, message: str) -> FlagError:
    """Return a FlagError with *message* in one printable line, and where the help is."""
    if not message.isprintable():
        message = "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)
    return FlagError(f"{message}  See '{command.words()} --help'.")


def unknown(command: Command, name: str) -> FlagError:
    """Return the refusal of the flag --*name*, with the nearest right one."""
    if command.name in RUNS and (remark := later.flag(name)):
        return refusal(command, f"--{name} {remark}.")
    near = nearest(name, [flag.name for flag in command.flags if flag.help] + ["help"])
    remark = f" (did you mean --{near}?)" if near else ""
    return refusal(command, f"unknown flag: --{name}{remark}")


def unknown_short(command: Command, letters: str) -> FlagError:
    """Return the refusal of the short flag that *letters*, after one dash, begin with."""
    letter = letters[0]
    if command.name in RUNS and letter in later.SHORT:
        return unknown(command, later.SHORT[letter])
    return refusal(command, f"unknown shorthand flag: '{letter}' in -{letters}")


def miscount(command: Command) -> CommandLineError:
    """Return the refusal of too few or too many arguments, in docker's words."""
    low, high = command.minimum, command.maximum
    if high == 0:
        wanted = "accepts no arguments"
    elif low == high:
        wanted = f"requires exactly {_arguments(low)}"
    elif high is None:
        wanted = f"requires at least {_arguments(low)}"
    elif low == 0:
        wanted = f"requires at most {_arguments(high)}"
    else:
        wanted = f"requires at least {low} and at most {_arguments(high)}"
    words = command.words()
    return CommandLineError(f"\"{words}\" {wanted}.  See '{words} --help'.")


def _arguments(count: int) -> str:
    return f"{count} argument{'' if count == 1 else 's'}"


def no_command(words: list[str]) -> CommandLineError:
    """Return the refusal of *words*, which begin with no command, with the nearest right one."""
    group = words[0] if words[0] in commands.GROUPS else ""
    typed = " ".join(words[:2]) if group else words[0]
    see = f"  See '{' '.join(['mini-docker', *group.split()])} --help'."
    if typed.startswith("buildx ") and (remark := BUILDX.get(words[1])):
        return CommandLineError(f"'{typed}' is not supported: {remark}.{see}")
    if remark := later.command(typed):
        return CommandLineError(f"'{typed}' {remark}.{see}")
    typable = [*commands.COMMANDS, *commands.ALIASES, *commands.GROUPS]
    start = f"{group} " if group else ""
    ends = [name.removeprefix(start) for name in typable if name.startswith(start)]
    near = nearest(typed.removeprefix(start), ends)
    hint = f" (did you mean '{start}{near}'?)" if near else ""
    return CommandLineError(f"'{typed}' is not a mini-docker command{hint}.{see}")
