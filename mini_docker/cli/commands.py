"""The commands of mini-docker: what is typed, and the module that does it."""

from __future__ import annotations

from mini_docker.cli import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What is typed, and the module that has COMMAND and execute.
COMMANDS = {
    "run": "run",
    "exec": "exec",
    "attach": "attach",
    "ps": "ps",
    "inspect": "inspect",
    "container inspect": "container_inspect",
    "diff": "diff",
    "export": "export",
    "commit": "commit",
    "import": "import_",
    "build": "build",
    "builder prune": "builder_prune",
    "create": "create",
    "start": "start",
    "stop": "stop",
    "restart": "restart",
    "rename": "rename",
    "kill": "kill",
    "logs": "logs",
    "rm": "rm",
    "container prune": "container_prune",
    "pause": "pause",
    "unpause": "unpause",
    "stats": "stats",
    "container graph": "container_graph",
    "events": "events",
    "top": "top",
    "update": "update",
    "wait": "wait",
    "info": "info",
    "version": "version",
    "images": "images",
    "tag": "tag",
    "rmi": "rmi",
    "history": "history",
    "save": "save",
    "load": "load",
    "pull": "pull",
    "push": "push",
    "login": "login",
    "logout": "logout",
    "search": "search",
    "registry serve": "registry_serve",
    "image bootstrap": "image_bootstrap",
    "image inspect": "image_inspect",
    "image prune": "image_prune",
    "image graph": "image_graph",
    "image verify": "image_verify",
    "system df": "system_df",
    "system prune": "system_prune",
    "system restart-policy": "system_restart_policy",
    "system check": "system_check",
}
ALIASES = {
    **{
        f"container {name}": name
        for name in (
            *("run", "exec", "attach", "logs", "kill", "rm", "pause", "unpause"),
            *("create", "start", "stop", "restart", "rename"),
            *("stats", "top", "update", "wait"),
            *("diff", "export", "commit"),
        )
    },
    "container ls": "ps",
    "container list": "ps",
    "container ps": "ps",
    "container remove": "rm",
    **{f"image {name}": name for name in ("tag", "history", "save", "load", "pull", "push")},
    "image build": "build",
    "builder build": "build",
    "buildx build": "build",
    "buildx b": "build",
    "buildx prune": "builder prune",
    "image rm": "rmi",
    "image remove": "rmi",
    "image import": "import",
    "image ls": "images",
    "image list": "images",
    "system info": "info",
    "system events": "events",
}
# What stands before a command's name and is none itself, and what its help says.
GROUPS = {
    "builder": "Manage builds",
    "buildx": "Build images, as docker's plugin of this name",
    "container": "Manage containers",
    "image": "Manage images",
    "registry": "Manage a registry of this machine's",
    "system": "Manage mini-docker",
}
SECOND_NAMES = (  # which the help of a group leaves to that of the command
    *("container list", "container ps", "container remove", "image list", "image remove"),
    "buildx b",
)
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


def is_help(words: list[str]) -> bool:
    """Say whether *words* ask for help: none, "help", a group alone or with --help."""
    if not words or words[0] == "help":
        return True
    return words[0] in GROUPS and words[1:2] in ([], ["--help"], ["-h"])


def load(name: str) -> Any:
    """Return the module of the command *name*: it has COMMAND and execute."""
    module = f"mini_docker.cli.{COMMANDS[name]}"
    return __import__(module, None, None, ["COMMAND"])
