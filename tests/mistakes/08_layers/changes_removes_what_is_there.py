"""a name that is in upper as well is not gone"""


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
        if it.opaque:
            for name in lowers.names(it.path):
                found[f"{it.path}/{name}"] = DELETED
    return in_order(found)
