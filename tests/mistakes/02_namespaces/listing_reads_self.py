"""the caller's /proc/self was read, whatever the pid"""


def listing(pid: int | str) -> dict[str, int]:
    found: dict[str, int] = {}
    try:
        os.stat(f"/proc/{pid}/ns")
        for kind in FLAGS:
            text = os.readlink(f"/proc/self/ns/{kind}")
            found[kind] = int(text.partition("[")[2].rstrip("]"))
    except OSError as error:
        message = f"cannot list the namespaces of process {pid}: {_why(error)}"
        raise NamespaceError(message) from error
    return found
