"""below an opaque directory too"""


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
        elif it.differs(before):
            found[it.path] = CHANGED
        if it.covers:
            gone = lowers.names(it.path) - upper.names(it.path)
            paths = {f"{it.path}/{name}" for name in gone}
            found |= dict.fromkeys(paths, DELETED)
    return in_order(found)
