"""mini-docker search: images that an index knows."""

from __future__ import annotations

from mini_docker import strconv
from mini_docker.cli import table
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.cli.options import Values
    from mini_docker.store import Store

DEFAULT = "table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}\t{{.IsAutomated}}"
HEADINGS = {
    "Name": "NAME",
    "Description": "DESCRIPTION",
    "StarCount": "STARS",
    "IsOfficial": "OFFICIAL",
    "IsAutomated": "AUTOMATED",
}
FLAGS = {"is-official": "is_official", "is-automated": "is_automated"}
WIDTH = 45  # characters of a description
COMMAND = Command(
    "search",
    "Search Docker Hub, or another registry, for images",
    "mini-docker search [OPTIONS] TERM",
    (
        Flag("filter", "f", "filter", help="Filter output based on conditions provided"),
        Flag("format", "", "string", help="Pretty-print search using a Go template"),
        Flag("limit", "", "int", default=25, help="Max number of search results"),
        Flag("no-trunc", "", help="Don't truncate output"),
    ),
    minimum=1,
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Print a row for each image whose name or description has the term."""
    if not 1 <= values.limit <= 100:
        raise UsageError(f"Limit {values.limit} is outside the range of [1, 100]")
    filters = [_filter(name, value) for name, value in values.filter]
    from mini_docker import packages

    packages.reach()
    from mini_docker import images, registry_endpoints, registry_search

    word = values.arguments[0]
    domain, term = images.split_domain(word)
    if domain == images.DOMAIN:
        term = term if "/" in word else word
    endpoints = registry_endpoints.Endpoints()
    found = registry_search.search(endpoints, domain, term, values.limit)
    kept = [row for row in found if all(_fits(row, *pair) for pair in filters)]
    rows = [_shown(row, values.no_trunc) for row in kept]
    table.show(values.format, rows, HEADINGS, DEFAULT)
    return 0


def _filter(name: str, value: str) -> tuple[str, Any]:
    try:
        if name == "stars":
            return name, strconv.decimal(value)
        if name in FLAGS:
            return name, strconv.boolean(value)
    except ValueError:
        raise UsageError(f"invalid filter '{name}={value}'") from None
    raise UsageError(f"invalid filter '{name}'")


def _fits(row: dict[str, Any], name: str, wanted: Any) -> bool:
    if name == "stars":
        return bool(row["star_count"] >= wanted)
    return bool(row[FLAGS[name]] == wanted)


def _shown(row: dict[str, Any], whole: bool) -> dict[str, str]:
    from mini_docker.registry_progress import plain

    text = plain(" ".join(row["description"].split()))
    if not whole and len(text) > WIDTH:
        text = f"{text[: WIDTH - 1]}…"
    return {
        "Name": plain(row["name"]),
        "Description": text,
        "StarCount": str(row["star_count"]),
        "IsOfficial": "[OK]" if row["is_official"] else "",
        "IsAutomated": "[OK]" if row["is_automated"] else "",
    }
