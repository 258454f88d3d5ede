"""nothing below has this path"""


def changes(upper: Stack, lowers: Stack, hidden: Container[str] = ()) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for it in upper.walk():
        before = lowers.find(it.path)
        if it.path in hidden:
            continue
        if it.whiteout:
            found[it.path] = DELETED
        elif before is None:
            found[it.path] = ADDED
        elif it.differs(before):
            found[it.path] = CHANGED
        if it.covers:
            for name in lowers.names(it.path) - upper.names(it.path):
                found[f"{it.path}/{name}"] = DELETED
    return in_order(found)
