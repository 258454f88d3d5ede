"""a missing link was taken for a missing process"""


def listing(pid: int | str) -> dict[str, int]:
    try:
        links = {kind: os.readlink(f"/proc/{pid}/ns/{kind}") for kind in FLAGS}
    except OSError as error:
        message = f"cannot list the namespaces of process {pid}: {_why(error)}"
        raise NamespaceError(message) from error
    return {kind: int(text.partition("[")[2].rstrip("]")) for kind, text in links.items()}
