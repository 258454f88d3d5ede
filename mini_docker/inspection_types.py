"""What a template of `inspect -f` finds: Go's records, with their order and kinds of nothing.

docker applies the template to Go's records: a list that was never set prints as [], a map as
map[], a pointer as <nil>. JSON has null for all three, or no field at all. A record prints as
{always 0}, and its fields keep their order in JSON, where a map's are sorted. moby,
api/types/container (Config, HostConfig, State, Health) and api/types/image (InspectResponse).
"""

from __future__ import annotations

from mini_docker import durations, timestamps
from mini_docker.gotemplate.values import Duration, NilMap, NilPointer, NilSlice, Record, Time

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
HEALTHCHECK = {
    "Test": NilSlice(),
    "Interval": Duration(0, "0s"),
    "Timeout": Duration(0, "0s"),
    "StartPeriod": Duration(0, "0s"),
    "StartInterval": Duration(0, "0s"),
    "Retries": 0,
}
NEVER = Time(timestamps.NEVER, timestamps.spelled(timestamps.NEVER))
LEFT_OUT: dict[str, dict[str, Any]] = {  # by the record that has them; "" is the whole
    "": {
        **{"Variant": "", "OsVersion": ""},
        **{"SizeRw": NilPointer("SizeRw"), "SizeRootFs": NilPointer("SizeRootFs")},
    },
    "Config": CONFIG,
    "HostConfig": {
        **{"Mounts": NilSlice(), "StorageOpt": NilMap(), "Annotations": NilMap()},
        "Init": NilPointer("Init"),
    },
    "State": {"Health": NilPointer("Health")},
    "Healthcheck": HEALTHCHECK,
    "Health": {"Status": "", "FailingStreak": 0, "Log": NilSlice()},
    "Log": {"Start": NEVER, "End": NEVER, "ExitCode": 0, "Output": ""},  # an entry of Health's
    "LogConfig": {"Type": "", "Config": NilMap()},
    "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
}
INSIDE = {  # the records that a record has
    "": ("Config", "HostConfig", "State"),
    "Config": ("Healthcheck",),
    "HostConfig": ("LogConfig", "RestartPolicy"),
    "State": ("Health",),
    "Health": ("Log",),
}


def typed(found: dict[str, Any], name: str = "") -> Record:
    """Return *found*, what inspect prints, with Go's kinds of nothing for None and for no field.

    *name* is the record's own, such as "HostConfig".
    """
    empty = LEFT_OUT[name]
    fields: dict[str, Any] = {}
    for key, value in found.items():
        if key in INSIDE.get(name, ()) and isinstance(value, dict):
            fields[key] = typed(value, key)
        elif key in INSIDE.get(name, ()) and isinstance(value, list):
            fields[key] = [typed(it, key) if isinstance(it, dict) else it for it in value]
        elif isinstance(empty.get(key), Duration) and isinstance(value, int):
            fields[key] = Duration(value, durations.duration(value))
        elif isinstance(empty.get(key), Time) and isinstance(value, str):
            fields[key] = Time(value, timestamps.spelled(value))
        else:
            fields[key] = _nil(key) if value is None else value
    return Record(fields, empty)


def _nil(key: str) -> NilSlice | NilMap | NilPointer:
    if key in SLICES:
        return NilSlice()
    return NilMap() if key in MAPS else NilPointer()
