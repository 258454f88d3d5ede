"""mini-docker inspect: all that is known of containers and images, as JSON or by a template."""

from __future__ import annotations

import sys

from mini_docker import containers, inspection
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import LockedTopic, MiniDockerError, NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.cli.options import Values
    from mini_docker.gotemplate import Template
    from mini_docker.store import Store

SIZE = Flag("size", "s", help="Display total file sizes if the type is container")
COMMAND = Command(
    "inspect",
    "Return low-level information on mini-docker objects",
    "mini-docker inspect [OPTIONS] NAME|ID [NAME|ID...]",
    (
        Flag("format", "f", "string", help="Format output using a Go template"),
        SIZE,
        Flag("type", "", "string", help="Only inspect objects of this type (container|image)"),
    ),
    minimum=1,
)


class TemplateSyntaxError(UsageError):
    """The format is no template: docker inspect ends with 64, before it looks for anything."""

    exit_code = 64


def execute(values: Values, store: Store) -> int:
    """Print what is found; report each name that is not, and end with 1 then."""
    from mini_docker.cli import table

    form = values.format if values.format != "json" else ""
    template = _template(form) if form else None
    if values.type not in ("", "container", "image"):
        raise UsageError(f'"{values.type}" is not a valid value for --type')
    found: list[dict[str, Any]] = []
    failures: list[MiniDockerError] = []
    for reference in values.arguments:
        try:
            found.append(_find(store, reference, values.type, values.size))
        except MiniDockerError as error:
            failures.append(error)
    if template:
        failures += _apply(template, found)
    else:
        import json

        text = json.dumps(found, indent=None if values.format else 4, ensure_ascii=False)
        table.put(text + "\n")
    for failure in failures:
        print(f"mini-docker: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _sizes(it: containers.Container) -> tuple[int, int]:
    """Return the bytes that *it* has written, and those together with its image's layers."""
    from mini_docker import image_layers, operations_removal

    layers = it.record.get("Layers", ())
    own = operations_removal.written(it)
    base = sum(int(image_layers.record(it.store.root, chain)["Size"]) for chain in layers)
    return own, own + base


def _template(form: str) -> Template:
    """Return the template *form*; TemplateSyntaxError, with docker's code, if it is none."""
    from mini_docker.gotemplate import Template, TemplateError

    try:
        return Template(form, strict=True)
    except TemplateError as error:
        raise TemplateSyntaxError(f"template parsing error: {error}") from None


def _apply(template: Template, found: list[dict[str, Any]]) -> list[MiniDockerError]:
    """Print what *template* makes of each of *found*; return the errors of those it fails for.

    If it fails for all, an empty line is printed, as docker does.
    """
    from mini_docker.cli import table
    from mini_docker.gotemplate import TemplateError
    from mini_docker.inspection_types import typed

    lines, failures = [], []
    for it in found:
        try:
            lines.append(template.render(typed(it)))
        except TemplateError as error:
            failures.append(UsageError(f"template parsing error: {error}"))
    table.put("".join(f"{line}\n" for line in lines or [""]))
    return list(failures)


def image(store: Store, reference: str) -> dict[str, Any]:
    """Return what is known of the image *reference*, with all its names."""
    from mini_docker import image_facts, image_lookup

    found = image_lookup.find(store.root, reference)
    same = (it for it in image_lookup.listing(store.root)[0] if it.id == found.id)
    return image_facts.inspect(next(same, found))


def _find(store: Store, reference: str, kind: str, sizes: bool) -> dict[str, Any]:
    if kind != "image":
        try:
            it = containers.load(store, reference)
            return inspection.of_container(it, _sizes(it) if sizes else None)
        except NotFound:
            if kind:
                raise
    try:
        return image(store, reference)
    except (NotFound, UsageError, LockedTopic):
        if kind:
            raise
        raise NotFound(f"No such object: {reference}") from None
