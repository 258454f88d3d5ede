"""What a template of `inspect -f` finds where JSON has null, or leaves a field out.

docker applies the template to Go's records: a list that was never set prints as [], a map as
map[], a pointer as <nil>. JSON has null for all three, or no field at all. moby,
api/types/container (Config, HostConfig, State) and api/types/image (InspectResponse).
"""

from __future__ import annotations

from mini_docker.gotemplate.values import NilMap, NilPointer, NilSlice, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SLICES = (
    *("ExecIDs", "EffectiveCaps", "BoundingCaps", "Env", "Cmd", "Entrypoint", "OnBuild"),
    *("Binds", "VolumesFrom", "CapAdd", "CapDrop", "ExtraHosts", "GroupAdd", "Links"),
    *("SecurityOpt", "DeviceCgroupRules"),
)
MAPS = ("Tmpfs", "Volumes", "Labels")
CONFIG = {
    "ExposedPorts": NilMap(),
    "Healthcheck": NilPointer("Healthcheck"),
    "StopSignal": "",
    "StopTimeout": NilPointer("StopTimeout"),
    "Shell": NilSlice(),
    "MacAddress": "",
    "NetworkDisabled": False,
}
LEFT_OUT: dict[str, dict[str, Any]] = {  # by the record that has them; "" is the whole
    "": {
        **{"Variant": "", "OsVersion": ""},
        **{"SizeRw": NilPointer("SizeRw"), "SizeRootFs": NilPointer("SizeRootFs")},
    },
    "Config": CONFIG,
    "HostConfig": {"Mounts": NilSlice(), "StorageOpt": NilMap(), "Annotations": NilMap()},
    "State": {"Health": NilPointer("Health")},
}


def typed(found: dict[str, Any], name: str = "") -> Record:
    """Return *found*, what inspect prints, with Go's kinds of nothing for None and for no field.

    *name* is the record's own, such as "HostConfig".
    """
    fields = {}
    for key, value in found.items():
        inner = isinstance(value, dict) and key in LEFT_OUT
        fields[key] = typed(value, key) if inner else _nil(key) if value is None else value
    return Record(fields, LEFT_OUT[name])


def _nil(key: str) -> NilSlice | NilMap | NilPointer:
    if key in SLICES:
        return NilSlice()
    return NilMap() if key in MAPS else NilPointer()
