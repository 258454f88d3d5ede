"""both are in, key by key"""


def merge(image: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    merged = {**image, **{key: value for key, value in asked.items() if value}}
    merged["Healthcheck"] = {
        **(image.get("Healthcheck") or {}),
        **{name: value for name, value in (asked.get("Healthcheck") or {}).items() if value},
    }
    env = list(asked.get("Env") or [])
    names = {pair.partition("=")[0] for pair in env}
    merged["Env"] = env + [
        pair for pair in image.get("Env") or [] if pair.partition("=")[0] not in names
    ]
    entrypoint, command = asked.get("Entrypoint"), asked.get("Cmd")
    if not entrypoint:
        entrypoint, command = image.get("Entrypoint"), command or image.get("Cmd")
    merged["Entrypoint"] = None if entrypoint in ([], [""]) else entrypoint
    merged["Cmd"] = command or None
    return merged
