"""a file that does not exist is taken for a refusal"""


def apply(group: str, limits: Iterable[tuple[str, str]]) -> list[str]:
    warnings = []
    for name, wanted in limits:
        write(group, name, wanted)
        kept = read(group, name)
        if not holds(wanted, kept):
            warnings.append(f"{group}/{name} holds {kept!r} where {wanted!r} was asked for")
    return warnings
