"""the caller itself moved into the new namespaces"""


def create(kinds: Iterable[str]) -> int:
    wanted = sorted(set(kinds))
    flags = 0
    for kind in wanted:
        flags |= flag(kind)
    try:
        syscalls.unshare(flags)
        return os.fork()
    except OSError as error:
        names = ", ".join(wanted)
        raise NamespaceError(f"cannot create namespaces {names}: {_why(error, wanted)}") from error
