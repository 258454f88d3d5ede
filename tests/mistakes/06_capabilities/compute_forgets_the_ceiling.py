"""the bounding set was not asked"""


def compute(add: Iterable[str], drop: Iterable[str], privileged: bool, bounding: int) -> int:
    added = {canonical(name) for name in add}
    dropped = {canonical(name) for name in drop}
    if privileged:
        return EVERYTHING
    if ALL in added:
        return EVERYTHING & ~mask(dropped - {ALL})
    if ALL in dropped:
        return mask(added)
    return mask(DEFAULT) & ~mask(dropped) | mask(added)
