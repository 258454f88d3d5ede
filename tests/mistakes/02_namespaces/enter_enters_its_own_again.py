"""the kernel refuses to enter the user namespace that one is in already"""


def enter(pid: int, kinds: Iterable[str]) -> None:
    wanted = {kind: flag(kind) for kind in kinds}
    listing(pid)
    opened: dict[str, int] = {}
    try:
        for kind in FLAGS:
            if kind in wanted:
                opened[kind] = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
        for kind, descriptor in opened.items():
            syscalls.setns(descriptor, FLAGS[kind])
    except OSError as error:
        which = f"{kind} namespace of process {pid}"
        raise NamespaceError(f"cannot enter the {which}: {_why(error)}") from error
    finally:
        for descriptor in opened.values():
            os.close(descriptor)
