"""the asked command took the place of the Entrypoint too"""


def merge(image: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    merged = {**image, **{key: value for key, value in asked.items() if value}}
    for key in ("Labels", "Volumes", "ExposedPorts", "Healthcheck"):
        new = asked.get(key) or {}
        if key == "Healthcheck":
            new = {name: value for name, value in new.items() if value}
        merged[key] = {**(image.get(key) or {}), **new}
    env = list(asked.get("Env") or [])
    names = {pair.partition("=")[0] for pair in env}
    merged["Env"] = env + [
        pair for pair in image.get("Env") or [] if pair.partition("=")[0] not in names
    ]
    entrypoint, command = asked.get("Entrypoint"), asked.get("Cmd")
    if not entrypoint and not command:
        entrypoint, command = image.get("Entrypoint"), image.get("Cmd")
    merged["Entrypoint"] = None if entrypoint in ([], [""]) else entrypoint
    merged["Cmd"] = command or None
    return merged
