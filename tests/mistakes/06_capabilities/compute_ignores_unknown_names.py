"""whoever misspells what he drops keeps it"""


def compute(add: Iterable[str], drop: Iterable[str], privileged: bool, bounding: int) -> int:
    def known(names: Iterable[str]) -> set[str]:
        full = {name.upper() for name in names}
        full = {name if name.startswith("CAP_") or name == ALL else f"CAP_{name}" for name in full}
        return {name for name in full if name in NAMES or name == ALL}

    added, dropped = known(add), known(drop)
    if privileged:
        wanted = EVERYTHING
    elif ALL in added:
        wanted = EVERYTHING & ~mask(dropped - {ALL})
    elif ALL in dropped:
        wanted = mask(added)
    else:
        wanted = mask(DEFAULT) & ~mask(dropped) | mask(added)
    return wanted & bounding
