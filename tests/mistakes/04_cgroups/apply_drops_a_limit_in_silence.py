"""a limit that cannot be set is dropped in silence"""


def apply(group: str, limits: Iterable[tuple[str, str]]) -> list[str]:
    warnings = []
    for name, wanted in limits:
        if os.path.exists(f"{group}/{name}"):
            write(group, name, wanted)
            kept = read(group, name)
            if not holds(wanted, kept):
                warnings.append(f"{group}/{name} holds {kept!r} where {wanted!r} was asked for")
    return warnings
