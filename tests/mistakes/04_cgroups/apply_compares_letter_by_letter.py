"""a false alarm: the two texts are compared letter by letter"""


def apply(group: str, limits: Iterable[tuple[str, str]]) -> list[str]:
    warnings = []
    for name, wanted in limits:
        if not os.path.exists(f"{group}/{name}"):
            warnings.append(cgroups_limits.discarded(name))
            continue
        write(group, name, wanted)
        kept = read(group, name)
        if kept != wanted:
            warnings.append(f"{group}/{name} holds {kept!r} where {wanted!r} was asked for")
    return warnings
