"""a text, not a number"""


def listing(pid: int | str) -> dict[str, int]:
    found: dict[str, int] = {}
    try:
        links = os.listdir(f"/proc/{pid}/ns")
        for kind in FLAGS:
            if kind in links:
                found[kind] = os.readlink(f"/proc/{pid}/ns/{kind}").split(":")[1].strip("[]")
    except OSError as error:
        message = f"cannot list the namespaces of process {pid}: {_why(error)}"
        raise NamespaceError(message) from error
    return found
