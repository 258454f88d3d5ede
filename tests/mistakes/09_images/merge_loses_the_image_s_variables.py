"""asking for one must not lose the PATH"""


def merge(image: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    merged = {**image, **{key: value for key, value in asked.items() if value}}
    for key in ("Labels", "Volumes", "ExposedPorts", "Healthcheck"):
        new = asked.get(key) or {}
        if key == "Healthcheck":
            new = {name: value for name, value in new.items() if value}
        merged[key] = {**(image.get(key) or {}), **new}
    merged["Env"] = list(asked.get("Env") or image.get("Env") or [])
    entrypoint, command = asked.get("Entrypoint"), asked.get("Cmd")
    if not entrypoint:
        entrypoint, command = image.get("Entrypoint"), command or image.get("Cmd")
    merged["Entrypoint"] = None if entrypoint in ([], [""]) else entrypoint
    merged["Cmd"] = command or None
    return merged
