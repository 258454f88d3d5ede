"""the kernel's refusal is swallowed"""


def apply(group: str, limits: Iterable[tuple[str, str]]) -> list[str]:
    warnings = []
    for name, wanted in limits:
        if not os.path.exists(f"{group}/{name}"):
            warnings.append(cgroups_limits.discarded(name))
            continue
        try:
            write(group, name, wanted)
        except CgroupError as error:
            warnings.append(str(error))
            continue
        kept = read(group, name)
        if not holds(wanted, kept):
            warnings.append(f"{group}/{name} holds {kept!r} where {wanted!r} was asked for")
    return warnings
