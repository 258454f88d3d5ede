"""the file is not read again after the write"""


def apply(group: str, limits: Iterable[tuple[str, str]]) -> list[str]:
    warnings = []
    for name, wanted in limits:
        if os.path.exists(f"{group}/{name}"):
            write(group, name, wanted)
        else:
            warnings.append(cgroups_limits.discarded(name))
    return warnings
