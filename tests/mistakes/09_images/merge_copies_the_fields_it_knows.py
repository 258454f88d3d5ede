"""only fields of a list were copied"""


def merge(image: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    merged = {key: asked.get(key) or image.get(key) for key in ("User", "WorkingDir", "StopSignal")}
    for key in ("Labels", "Volumes", "ExposedPorts", "Healthcheck"):
        new = asked.get(key) or {}
        if key == "Healthcheck":
            new = {name: value for name, value in new.items() if value}
        merged[key] = {**(image.get(key) or {}), **new}
    env = list(asked.get("Env") or [])
    names = {pair.partition("=")[0] for pair in env}
    below = image.get("Env") or []
    merged["Env"] = env + [pair for pair in below if pair.partition("=")[0] not in names]
    entrypoint, command = asked.get("Entrypoint"), asked.get("Cmd")
    if not entrypoint:
        entrypoint, command = image.get("Entrypoint"), command or image.get("Cmd")
    merged["Entrypoint"] = None if entrypoint in ([], [""]) else entrypoint
    merged["Cmd"] = command or None
    return merged
