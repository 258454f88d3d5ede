"""mini-docker events: what happens to containers and images, as it happens."""

from __future__ import annotations

import sys

from mini_docker.cli.options import Command, Flag
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mini_docker.cli.options import Values
    from mini_docker.store import Store

    Event = dict[str, Any]

MESSAGE = "*events.Message"  # what an error in a template calls an event
MISTAKE = 64  # the exit code of docker events for a template that is wrong
EMPTY: Event = {
    "Type": "",
    "Action": "",
    "Actor": {"ID": "", "Attributes": {}},
    "scope": "",
    "time": 0,
    "timeNano": 0,
}
COMMAND = Command(
    "events",
    "Get real time events from the server",
    "mini-docker events [OPTIONS]",
    (
        Flag("filter", "f", "filter", help="Filter output based on conditions provided"),
        Flag("format", "", "string", help="Format output using a Go template, or json"),
        Flag("since", "", "string", help="Show all events created since timestamp"),
        Flag("until", "", "string", help="Stream events until this timestamp"),
    ),
    maximum=0,
)


def execute(values: Values, store: Store) -> int:
    """Print a line for each event, until --until, or until interrupted."""
    from mini_docker import events_read
    from mini_docker.cli import table

    since, until = _moment(values.since), _moment(values.until)
    if since is not None and until is not None and since > until:
        raise UsageError(
            f"`since` time ({values.since}) cannot be after `until` time ({values.until})"
        )
    wanted = events_read.Filter(values.filter)
    line = _printer(values.format)
    for event in events_read.watch(store.root, since, until):
        if wanted.passes(event):
            table.put(line(event) + "\n")
    sys.stdout.flush()
    return 0


def _moment(text: str) -> int | None:
    from mini_docker import moments

    try:
        return moments.parse(text) if text else None
    except ValueError as error:
        raise UsageError(str(error)) from None


def _printer(form: str) -> Callable[[Event], str]:
    """Return what makes a line of an event; TemplateError for a *form* that makes no sense."""
    if not form:
        return plain
    from mini_docker import gotemplate

    if form == "json" or form.replace(" ", "") == "{{json.}}":
        from mini_docker import records

        return lambda event: records.dump(message(event))
    try:
        template = gotemplate.Template(form)
        template.render(_fields(EMPTY))
    except gotemplate.TemplateError as error:
        wrong = gotemplate.TemplateError(f"Error parsing format: {error}")
        wrong.exit_code = MISTAKE
        raise wrong from None
    return lambda event: template.render(_fields(event))


def plain(event: Event) -> str:
    """Return *event* as docker prints it without a format; one line, whatever a label says.

    2024-01-02T03:04:05.678901234+01:00 container start 4adc463e64c5 (image=busybox, name=web)
    """
    from mini_docker import moments
    from mini_docker.gotemplate.quoting import printable

    actor = event["Actor"]
    pairs = ", ".join(f"{name}={value}" for name, value in sorted(actor["Attributes"].items()))
    words = (moments.text(event["timeNano"]), event["Type"], event["Action"], actor["ID"])
    return printable(" ".join(words) + (f" ({pairs})" if pairs else ""))


def message(event: Event) -> Event:
    """Return *event* as the API sends it: containers and images have three old fields besides."""
    actor = event["Actor"]
    old: Event = {}
    if event["Type"] in ("container", "image"):
        old = {"status": event["Action"], "id": actor["ID"]}
        if source := actor["Attributes"].get("image"):
            old["from"] = source
    own = {**actor, "Attributes": dict(sorted(actor["Attributes"].items()))}  # as Go prints a map
    return {**old, **{name: event[name] for name in EMPTY}, "Actor": own}


def _fields(event: Event) -> Any:
    """Return *event* for a template: with the names that its fields have in Go."""
    from mini_docker import gotemplate

    whole = message(event)
    return gotemplate.Struct(
        MESSAGE,
        {
            "Status": whole.get("status", ""),
            "ID": whole.get("id", ""),
            "From": whole.get("from", ""),
            "Type": event["Type"],
            "Action": event["Action"],
            "Actor": gotemplate.Struct("events.Actor", event["Actor"]),
            "Scope": event["scope"],
            "Time": event["time"],
            "TimeNano": event["timeNano"],
        },
    )
