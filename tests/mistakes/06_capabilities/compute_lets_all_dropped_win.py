"""ALL in both lists left nothing"""


def compute(add: Iterable[str], drop: Iterable[str], privileged: bool, bounding: int) -> int:
    added = {canonical(name) for name in add}
    dropped = {canonical(name) for name in drop}
    if privileged:
        wanted = EVERYTHING
    elif ALL in added:
        wanted = EVERYTHING & ~mask(dropped)
    elif ALL in dropped:
        wanted = mask(added)
    else:
        wanted = mask(DEFAULT) & ~mask(dropped) | mask(added)
    return wanted & bounding
