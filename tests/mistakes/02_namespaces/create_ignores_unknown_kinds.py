"""a misspelt wall is no wall"""


def create(kinds: Iterable[str]) -> int:
    wanted = sorted(set(kinds))
    flags = 0
    for kind in wanted:
        flags |= FLAGS.get(kind, 0)
    try:
        return syscalls.clone(flags)
    except OSError as error:
        names = ", ".join(wanted)
        raise NamespaceError(f"cannot create namespaces {names}: {_why(error, wanted)}") from error
