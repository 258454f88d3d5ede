"""one clone for each kind makes a chain of processes"""


def create(kinds: Iterable[str]) -> int:
    wanted = sorted(set(kinds))
    first = 0
    try:
        if not wanted:
            return syscalls.clone(0)
        for bit in [flag(kind) for kind in wanted]:
            pid = syscalls.clone(bit)
            first = first or pid
        return first
    except OSError as error:
        names = ", ".join(wanted)
        raise NamespaceError(f"cannot create namespaces {names}: {_why(error, wanted)}") from error
