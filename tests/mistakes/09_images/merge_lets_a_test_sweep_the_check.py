"""the asked Test took the whole check's place"""


def merge(image: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    merged = {**image, **{key: value for key, value in asked.items() if value}}
    for key in ("Labels", "Volumes", "ExposedPorts", "Healthcheck"):
        new = asked.get(key) or {}
        if key == "Healthcheck":
            new = {name: value for name, value in new.items() if value}
        whole = key == "Healthcheck" and new.get("Test")
        merged[key] = new if whole else {**(image.get(key) or {}), **new}
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
