"""mini-docker ps: list containers."""

from __future__ import annotations

import sys
import time

from mini_docker import container_network, containers, durations, gotemplate, image_store, sizes
from mini_docker.cli import table
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import MiniDockerError
from mini_docker.gotemplate.quoting import quote
from mini_docker.timestamps import local, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.cli.options import Values
    from mini_docker.containers import Container
    from mini_docker.store import Store

DEFAULT = (
    "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"
)
HEADINGS = {
    "ID": "CONTAINER ID",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "CreatedAt": "CREATED AT",
    "RunningFor": "CREATED",
    "Ports": "PORTS",
    "State": "STATE",
    "Status": "STATUS",
    "Names": "NAMES",
    "Labels": "LABELS",
    "Mounts": "MOUNTS",
    "LocalVolumes": "LOCAL VOLUMES",
    "Networks": "NETWORKS",
    "Size": "SIZE",
}
IGNORED = "WARNING: Ignoring custom format, because both --format and --quiet are set."
COMMAND = Command(
    "ps",
    "List containers",
    "mini-docker ps [OPTIONS]",
    (
        Flag("all", "a", help="Show all containers (default shows just running)"),
        Flag("filter", "f", "filter", help="Filter output based on conditions provided"),
        Flag("format", "", "string", help="Format output using a Go template"),
        Flag(
            "last",
            "n",
            "int",
            default=-1,
            help="Show n last created containers (includes all states)",
        ),
        Flag("latest", "l", help="Show the latest created container (includes all states)"),
        Flag("no-trunc", "", help="Don't truncate output"),
        Flag("quiet", "q", help="Only display container IDs"),
        Flag("size", "s", help="Display total file sizes"),
    ),
    maximum=0,
)


def execute(values: Values, store: Store) -> int:
    """Print a row for each container; name each record that cannot be read, and end with 1."""
    found, broken = containers.listing(store)
    status_asked = any(name == "status" for name, _ in values.filter)
    count = 1 if values.latest and values.last == -1 else values.last
    shown = found if values.all or count > 0 or status_asked else [it for it in found if it.alive()]
    if values.filter:
        from mini_docker import container_filters

        shown = container_filters.select(store, shown, values.filter)
    shown = shown[:count] if count > 0 else shown
    if values.quiet:
        if values.format:
            print(IGNORED, file=sys.stderr)
        table.put("".join(f"{it.id if values.no_trunc else it.id[:12]}\n" for it in shown))
    else:
        _show(store, values, shown)
    sys.stdout.flush()
    for error in broken:
        print(f"mini-docker: {error}", file=sys.stderr)
    return 1 if broken else 0


def _show(store: Store, values: Values, shown: list[Container]) -> None:
    named = names(store.root)
    rows = [row(it, values.no_trunc, named) for it in shown]
    if values.size or ".Size" in values.format:
        bases: dict[str, int] = {}
        for it, fields in zip(shown, rows, strict=True):
            fields["Size"] = _size(it, bases)
    default = DEFAULT + "\t{{.Size}}" if values.size else DEFAULT
    table.show(values.format, rows, HEADINGS, default)


def _size(it: Container, bases: dict[str, int]) -> str:
    """Return what *it* has written, and that with its image: "5B (virtual 4.26MB)".

    *bases* has the sizes of the images that have turned up, by id.
    """
    from mini_docker import image_layers, operations_removal

    id = str(it.record.get("Image", ""))
    if id not in bases:
        bases[id] = 0
        for chain in it.record.get("Layers", ()):
            bases[id] += int(image_layers.record(it.store.root, chain)["Size"])
    own = operations_removal.written(it)
    return f"{sizes.human_size(own)} (virtual {sizes.human_size(own + bases[id])})"


def names(root: str) -> dict[str, str]:
    """Return the ids of all images that have a name, by name; a broken image has no id."""
    found = {}
    for entry in image_store.entries(root):
        try:
            id = image_store.manifest(root, entry["digest"])["config"]["digest"]
        except MiniDockerError:
            continue  # `images` names it
        found[image_store.name_of(entry)] = str(id)
    return found


def row(it: Container, whole: bool, named: dict[str, str]) -> dict[str, Any]:
    """Return the fields that a format may name, as Docker writes them; *named*: names()."""
    config = it.record["Config"]
    labels = config.get("Labels") or {}
    words = (f"'{word}'" if " " in word else word for word in it.record["Args"])
    command = " ".join([it.record["Path"], *words])
    if not whole and len(command) > 20:
        command = command[:19] + "…"
    age = time.time() - seconds(it.record["Created"])
    return {
        "ID": it.id if whole else it.id[:12],
        "Image": _image(it, whole, named) or it.record.get("Rootfs", ""),
        "Command": quote(command),
        "CreatedAt": local(seconds(it.record["Created"])),
        "RunningFor": durations.ago(age),
        "Ports": "",
        "State": it.status(),
        "Status": status(it),
        "Names": it.name(),
        "Labels": ",".join(f"{k}={v}" for k, v in sorted(labels.items())),
        "Label": gotemplate.Method(lambda name: labels.get(name, ""), ("string",)),
        "Mounts": "",
        "LocalVolumes": "0",
        "Networks": container_network.network(it),
        "Size": "0B",
    }


def _image(it: Container, whole: bool, named: dict[str, str]) -> str:
    """Return the name that the image was asked for by, or its id if that name is another's now.

    moby, daemon/list.go, refreshImage(). A name is completed here without the module images,
    so that `ps` depends on no lab.
    """
    typed, id = str(it.record["Config"]["Image"]), str(it.record.get("Image", ""))
    full = [f"{start}{typed}" for start in ("", "docker.io/", "docker.io/library/")]
    if any(named.get(name) == id or named.get(f"{name}:latest") == id for name in full):
        return typed
    digest = "@" in typed and id in named.values()
    if digest or not id or not typed or id.removeprefix("sha256:").startswith(typed):
        return typed
    return id if whole else id.removeprefix("sha256:")[:12]


def status(it: Container) -> str:
    """Return the state in words, as moby's container/state.go does: "Up 3 seconds (healthy)"."""
    state = it.status()
    if it.running():
        health = (it.state.get("Health") or {}).get("Status", "")
        remark = "health: starting" if health == "starting" else health
        remark = "Paused" if state == "paused" else remark
        return durations.up(time.time() - seconds(it.state["StartedAt"]), remark)
    if state in ("exited", "restarting"):
        since = time.time() - seconds(it.state["FinishedAt"])
        text = durations.exited(it.state["ExitCode"], since)
        return text if state == "exited" else text.replace("Exited", "Restarting", 1)
    return "Removal In Progress" if state == "removing" else state.capitalize()
