"""falling back to a plain fork"""


def create(kinds: Iterable[str]) -> int:
    flags = 0
    for kind in kinds:
        flags |= flag(kind)
    try:
        return syscalls.clone(flags)
    except OSError:
        return os.fork()
