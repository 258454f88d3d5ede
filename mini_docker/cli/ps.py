"""mini-docker ps: list containers."""

from __future__ import annotations

import re
import sys
import time

from mini_docker import containers, durations, gotemplate, image_store
from mini_docker.cli import table
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import MiniDockerError, UsageError
from mini_docker.gotemplate.quoting import quote
from mini_docker.timestamps import seconds

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
}
FILTERS = ("id", "name", "status", "label", "ancestor", "exited")
COMMAND = Command(
    "ps",
    "List containers",
    "mini-docker ps [OPTIONS]",
    (
        Flag("all", "a", help="Show all containers (default shows just running)"),
        Flag("filter", "f", "filter", help="Filter output based on conditions provided"),
        Flag("format", "", "string", help="Format output using a Go template"),
        Flag("last", "n", "int", default=-1, help="Show n last created containers"),
        Flag("latest", "l", help="Show the latest created container"),
        Flag("no-trunc", "", help="Don't truncate output"),
        Flag("quiet", "q", help="Only display container IDs"),
    ),
    maximum=0,
)


def execute(values: Values, store: Store) -> int:
    """Print a row for each container; name each record that cannot be read, and end with 1."""
    for name, _ in values.filter:
        if name not in FILTERS:
            raise UsageError(f"invalid filter '{name}' (this engine has: {', '.join(FILTERS)})")
    found, broken = containers.listing(store)
    status_asked = any(name in ("status", "exited") for name, _ in values.filter)
    count = 1 if values.latest else values.last
    everything = values.all or count >= 0 or status_asked
    shown = [it for it in found if (everything or it.running()) and matches(it, values.filter)]
    shown = shown[:count] if count >= 0 else shown
    if values.quiet and not values.format:
        for it in shown:
            print(it.id if values.no_trunc else it.id[:12])
    else:
        named = names(store.root)
        rows = [row(it, values.no_trunc, named) for it in shown]
        table.show(values.format, rows, HEADINGS, DEFAULT)
    sys.stdout.flush()
    for error in broken:
        print(f"mini-docker: {error}", file=sys.stderr)
    return 1 if broken else 0


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
        "CreatedAt": it.record["Created"].replace("T", " ")[:19] + " +0000 UTC",
        "RunningFor": durations.ago(age),
        "Ports": "",
        "State": it.status(),
        "Status": status(it),
        "Names": it.name(),
        "Labels": ",".join(f"{k}={v}" for k, v in sorted(labels.items())),
        "Label": gotemplate.Method(lambda name: labels.get(name, ""), ("string",)),
        "Mounts": "",
        "LocalVolumes": "0",
        "Networks": it.record["HostConfig"].get("NetworkMode", "none"),
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
    """Return the state in words: "Up 3 seconds (Paused)", "Exited (0) 2 hours ago", "Created"."""
    if it.running():
        remark = "Paused" if it.status() == "paused" else ""
        return durations.up(time.time() - seconds(it.state["StartedAt"]), remark)
    if it.status() == "exited":
        since = time.time() - seconds(it.state["FinishedAt"])
        return durations.exited(it.state["ExitCode"], since)
    return it.status().capitalize()


def matches(it: Container, filters: list[tuple[str, str]]) -> bool:
    """Say whether *it* passes: of one filter's values any, of several filters all."""
    wanted: dict[str, list[str]] = {}
    for name, value in filters:
        wanted.setdefault(name, []).append(value)
    labels = wanted.pop("label", [])
    return all(_has_label(it, label) for label in labels) and all(
        any(_matches(it, name, value) for value in choices) for name, choices in wanted.items()
    )


def _matches(it: Container, name: str, value: str) -> bool:
    if name == "id":
        return it.id.startswith(value)
    if name == "name":
        return _fits(value, it.name()) or _fits(value, f"/{it.name()}")
    if name == "status":
        return it.status() == value
    if name == "exited":
        return it.status() == "exited" and str(it.state["ExitCode"]) == value
    image = it.record["Config"]["Image"]
    return value in (image, image.partition(":")[0], it.record["Image"])


def _fits(pattern: str, name: str) -> bool:
    """Say whether the regular expression *pattern* is found in *name*; a broken one is not."""
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False


def _has_label(it: Container, wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    labels = it.record["Config"].get("Labels", {})
    return name in labels and (not equals or labels[name] == value)
