"""flags joined by & have no bit in common"""


def create(kinds: Iterable[str]) -> int:
    wanted = sorted(set(kinds))
    flags = flag(wanted[0]) if wanted else 0
    for kind in wanted:
        flags &= flag(kind)
    try:
        return syscalls.clone(flags)
    except OSError as error:
        names = ", ".join(wanted)
        raise NamespaceError(f"cannot create namespaces {names}: {_why(error, wanted)}") from error
