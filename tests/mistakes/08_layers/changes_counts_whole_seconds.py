"""times were compared in seconds"""


def changes(upper: Stack, lowers: Stack, hidden: Container[str] = ()) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for it in upper.walk():
        before = lowers.find(it.path)
        if it.path in hidden or (it.whiteout and before is None):
            continue
        if before is None:
            found[it.path] = ADDED
        elif it.whiteout:
            found[it.path] = DELETED
        elif (it.status.st_mode, it.status.st_size, int(it.status.st_mtime)) != (
            before.status.st_mode,
            before.status.st_size,
            int(before.status.st_mtime),
        ):
            found[it.path] = CHANGED
        if it.covers:
            for name in lowers.names(it.path) - upper.names(it.path):
                found[f"{it.path}/{name}"] = DELETED
    return in_order(found)
