"""os.getpid() is a number of the new namespace, and /proc was asked in the old one"""


def enter(pid: int, kinds: Iterable[str]) -> None:
    wanted = {kind: flag(kind) for kind in kinds}
    mine, theirs = listing(os.getpid()), listing(pid)
    opened: dict[str, int] = {}
    try:
        for kind in FLAGS:
            if kind in wanted and theirs.get(kind) != mine.get(kind):
                opened[kind] = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
        for kind, descriptor in opened.items():
            syscalls.setns(descriptor, FLAGS[kind])
    except OSError as error:
        which = f"{kind} namespace of process {pid}"
        raise NamespaceError(f"cannot enter the {which}: {_why(error)}") from error
    finally:
        for descriptor in opened.values():
            os.close(descriptor)
