"""DEFAULT itself was changed"""


def compute(add: Iterable[str], drop: Iterable[str], privileged: bool, bounding: int) -> int:
    added = {canonical(name) for name in add}
    dropped = {canonical(name) for name in drop}
    if privileged:
        return EVERYTHING & bounding
    if ALL in added:
        return EVERYTHING & ~mask(dropped - {ALL}) & bounding
    if ALL in dropped:
        return mask(added) & bounding
    wanted = DEFAULT
    for name in dropped:
        if name in wanted:
            wanted.remove(name)
    for name in added:
        wanted.append(name)
    return mask(wanted) & bounding
