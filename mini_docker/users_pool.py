"""--userns=auto: a range of ids for each container, which no other one has.

The ids are those that /etc/subuid and /etc/subgid grant to the user "containers", as podman
has it. Which are taken is written down beside each container, in maps.json; who takes some
holds the store's lock until that is done.
"""

from __future__ import annotations

from mini_docker import configuration, records, users, users_ranges
from mini_docker.errors import ConfigError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.store import Store
    from mini_docker.users_ranges import Span

POOL = "containers"
RECORD = "maps.json"


def need(record: dict[str, Any], layers: list[str]) -> int:
    """Return how many ids the container needs: its image's accounts, its user, its groups."""
    words = record["Config"].get("User", "").split(":") + record["HostConfig"].get("GroupAdd", [])
    ids = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) <= 10]
    numbers = [id + 1 for id in ids if id <= users.HIGHEST]  # the others are refused later
    return max([users_ranges.need(layers or [record["Rootfs"]]), *numbers])


def _granted(path: str) -> list[Span]:
    row = users.pick(users.rows("/", users.PASSWD), POOL)
    spans = users_ranges.granted(path, POOL, int(row[2]) if row else -1)
    if not spans:
        raise NotFound(
            f"cannot use --userns=auto: no ids are granted to {POOL} in {path}: add a line such "
            f"as {POOL}:2147483648:1073741824"
        )
    return spans


def take(store: Store, kind: str, size: int) -> list[users.Range]:
    """Return a map of *size* ids of *kind*, "uid" or "gid", that no container of *store* has."""
    spans = _granted(users_ranges.SUBUID if kind == "uid" else users_ranges.SUBGID)
    taken: list[Span] = []
    remap = configuration.read().get("userns-remap", "")
    if remap:
        default = users_ranges.remapped(remap)[kind == "gid"]
        taken += [(row.outside, row.size) for row in default]
    for id in store.ids():
        try:
            rows = records.read(f"{store.directory(id)}/{RECORD}")[kind]
        except FileNotFoundError:
            continue
        taken += [(row["hostID"], row["size"]) for row in rows]
    first = users_ranges.allocate(spans, taken, size)
    if first is None:
        raise ConfigError(
            f"cannot use --userns=auto: no {size} consecutive {kind}s of {POOL} are free: remove "
            f"containers, ask for less (auto:size=N), or add to /etc/sub{kind}"
        )
    return [users.Range(0, first, size)]
