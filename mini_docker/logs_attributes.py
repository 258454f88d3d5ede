"""What the entries of a json-file log say about their container: labels, variables, a tag.

    --log-opt labels=a,b           the labels a and b, if the container has them
    --log-opt labels-regex=^com    those whose name matches
    --log-opt env=A,B              the same of its variables; env-regex as well
    --log-opt tag={{.Name}}        a template, over the facts of the container

Docker: daemon/logger/loginfo.go (ExtraAttributes), loggerutils/log_tag.go; "Customize log
driver output".
"""

from __future__ import annotations

from mini_docker import records
from mini_docker.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

OPTIONS = ("labels", "labels-regex", "env", "env-regex", "tag")
SHORT = 12  # digits of an id in {{.ID}}
EMPTY = {"Id": "", "Name": "", "Path": "", "Args": [], "Image": "", "Created": "", "Config": {}}


def read(directory: str, options: Mapping[str, str]) -> bytes:
    """Return encode() of the container in *directory*, whose record is read only if need be."""
    if not any(options.get(name) for name in OPTIONS):
        return b""
    return encode(records.read(f"{directory}/container.json"), options)


def encode(record: Mapping[str, Any], options: Mapping[str, str]) -> bytes:
    """Return the JSON object of what *options* choose from *record*; b"" if that is nothing.

    *record* is the container's container.json.
    """
    config = record["Config"]
    labels = dict(config.get("Labels") or {})
    pairs = (word.partition("=") for word in config.get("Env") or ())
    variables = {name: value for name, equals, value in pairs if equals}
    found: dict[str, str] = {}
    for kind, values in (("labels", labels), ("env", variables)):
        names = options.get(kind, "").split(",")
        found.update({name: values[name] for name in names if name in values})
        if pattern := options.get(f"{kind}-regex", ""):
            matches = _compile(f"{kind}-regex", pattern).search
            found.update({name: value for name, value in values.items() if matches(name)})
    if tag := _tag(record, options.get("tag", "")):
        found["tag"] = tag
    text = records.dump(dict(sorted(found.items())))
    return _escape(text) if found else b""


def check(options: Mapping[str, str]) -> None:
    """Refuse patterns and templates that are none: ConfigError, in one line."""
    for name in ("labels-regex", "env-regex"):
        if options.get(name):
            _compile(name, options[name])
    _tag(EMPTY, options.get("tag", ""))


def _compile(name: str, pattern: str) -> Any:
    import re

    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigError(f"invalid log opt {name}: {error}") from None


def _tag(record: Mapping[str, Any], template: str) -> str:
    if not template:
        return ""
    from mini_docker import gotemplate

    try:
        return gotemplate.render(template, _facts(record), strict=True)
    except gotemplate.TemplateError as error:
        raise ConfigError(f"failed to initialize logging driver: {error}") from None


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a tag may name."""
    config, image = record["Config"], record["Image"].removeprefix("sha256:")
    return {
        "ID": record["Id"][:SHORT],
        "FullID": record["Id"],
        "Name": record["Name"],
        "ImageID": image[:SHORT],
        "ImageFullID": record["Image"],
        "ImageName": config.get("Image", ""),
        "Command": " ".join([record["Path"], *record["Args"]]),
        "DaemonName": "docker",
        "ContainerID": record["Id"],
        "ContainerName": f"/{record['Name']}",
        "ContainerEntrypoint": record["Path"],
        "ContainerArgs": record["Args"],
        "ContainerImageID": record["Image"],
        "ContainerImageName": config.get("Image", ""),
        "ContainerCreated": record["Created"],
        "ContainerEnv": config.get("Env") or [],
        "ContainerLabels": config.get("Labels") or {},
    }


def _escape(text: str) -> bytes:
    """Return JSON as Go's encoder would write it: nothing in it can end a script in a page."""
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode("utf-8", "replace")
