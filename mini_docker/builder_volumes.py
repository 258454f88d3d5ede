"""RUN --mount: what a command sees that is no part of its layer.

    type=bind      files of the context, of a stage or an image (from=); what is written is lost
    type=cache     a directory that the next build finds as it was left
    type=tmpfs     memory
    type=secret    a file that was given with --secret, or a variable (env=)

docs.docker.com/reference/dockerfile, "RUN --mount".
"""

from __future__ import annotations

import csv
import os
import posixpath

from mini_docker import builder_config, sizes, strconv
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TYPES = ("bind", "cache", "tmpfs", "secret")
NAMES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
NAMES |= {"rw": "readwrite"}
KNOWN = {
    "bind": ("type", "from", "source", "target", "readonly", "readwrite"),
    "cache": (
        *("type", "from", "source", "target", "readonly", "readwrite"),
        *("id", "sharing", "mode", "uid", "gid"),
    ),
    "tmpfs": ("type", "target", "size"),
    "secret": ("type", "id", "target", "source", "env", "required", "mode", "uid", "gid"),
}
SWITCHES = ("readonly", "readwrite", "required")
SECRETS = "/run/secrets"


class Volume:
    """One --mount, checked."""

    __slots__ = ("fields", "kind", "target")

    def __init__(self, kind: str, target: str, fields: dict[str, str]) -> None:
        self.kind = kind
        self.target = target  # an absolute path in the container; "" for a variable
        self.fields = fields

    def get(self, name: str, default: str = "") -> str:
        """Return the field *name*."""
        return self.fields.get(name, default)

    def on(self, name: str) -> bool:
        """Say whether the switch *name* is on."""
        return self.fields.get(name) == "true"

    def number(self, name: str, default: int, base: int = 10) -> int:
        """Return the field *name* as a number."""
        text = self.fields.get(name)
        if text is None:
            return default
        try:
            found = int(text, base) if text.isascii() and text.isalnum() else -1
        except ValueError:
            found = -1
        if not 0 <= found < 2**31:
            raise UsageError(f"invalid value '{text:.50}' for {name}")
        return found


def words(text: str) -> list[str]:
    """Return the words of *text* with commas between them; quotes keep a comma, as in CSV.

    UsageError if it is too long, or has a null byte or a line's end in it.
    """
    if "\0" in text:
        raise UsageError(f"cannot use {text!r:.60}: a null byte is in it")
    try:
        return next(csv.reader([text]), [])
    except csv.Error as error:
        raise UsageError(f"cannot read {text!r:.60}: {error}") from None


def parse(text: str, config: dict[str, Any]) -> Volume:
    """Return what --mount=*text* means; UsageError, in BuildKit's words, for what means nothing."""
    fields: dict[str, str] = {}
    for word in words(text):
        name, equals, value = word.partition("=")
        name = NAMES.get(name.lower(), name.lower())
        if name in SWITCHES:
            value = _switch(name, value) if equals else "true"
        elif not equals:
            raise UsageError(f"invalid field '{word:.100}' must be a key=value pair")
        fields[name] = value
    kind = fields.get("type", "bind")
    if kind == "ssh":
        raise UsageError("--mount type=ssh: this engine does not forward an SSH agent")
    if kind not in TYPES:
        raise UsageError(f"unsupported mount type '{kind:.50}' (there are: {', '.join(TYPES)})")
    for name in fields:
        if name not in KNOWN[kind]:
            raise UsageError(f"unexpected key '{name:.50}' for mount type '{kind}'")
    return Volume(kind, _target(kind, fields, config), fields)


def _switch(name: str, value: str) -> str:
    try:
        return "true" if strconv.boolean(value) else "false"
    except ValueError:
        raise UsageError(f"invalid value for {name}: {value:.50}") from None


def _target(kind: str, fields: dict[str, str], config: dict[str, Any]) -> str:
    target = fields.get("target", "")
    if kind == "secret":
        id = fields.get("id") or posixpath.basename(target)
        if not id:
            raise UsageError("--mount type=secret needs an id or a target")
        fields["id"] = id
        if not target and fields.get("env"):
            return ""
        target = target or f"{SECRETS}/{id}"
    if not target:
        raise UsageError(f"invalid mount of type '{kind}': target is required")
    if kind == "cache" and fields.get("sharing", "shared") not in ("shared", "private", "locked"):
        raise UsageError(f"unsupported sharing value '{fields['sharing']:.50}'")
    path = builder_config.workdir(config, target)
    if path == "/":
        raise UsageError("--mount: the target is the root")
    return path


def bind(volume: Volume, source: str) -> dict[str, Any]:
    """Return the row of config.json that shows *source* to be read only."""
    options = ["rbind", "ro", "rro"]
    if os.path.isfile(source):
        options = ["bind", "ro"]
    return {"destination": volume.target, "type": "bind", "source": source, "options": options}


def tmpfs(volume: Volume) -> dict[str, Any]:
    """Return the row of config.json for memory."""
    options = ["nosuid", "nodev", "mode=1777"]
    if size := volume.get("size"):
        try:
            options.append(f"size={sizes.ram_in_bytes(size)}")
        except ValueError as error:
            raise UsageError(f"invalid size {size!r:.50}: {error}") from None
    return {"destination": volume.target, "type": "tmpfs", "source": "tmpfs", "options": options}
