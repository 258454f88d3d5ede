"""the flags were added up"""


def create(kinds: Iterable[str]) -> int:
    wanted = sorted(kinds)
    flags = sum(flag(kind) for kind in wanted)
    try:
        return syscalls.clone(flags)
    except OSError as error:
        names = ", ".join(wanted)
        raise NamespaceError(f"cannot create namespaces {names}: {_why(error, wanted)}") from error
