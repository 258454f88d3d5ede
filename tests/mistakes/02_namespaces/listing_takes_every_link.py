"""every link in the directory was taken for a kind"""


def listing(pid: int | str) -> dict[str, int]:
    found: dict[str, int] = {}
    try:
        for link in os.listdir(f"/proc/{pid}/ns"):
            text = os.readlink(f"/proc/{pid}/ns/{link}")
            found[link] = int(text.partition("[")[2].rstrip("]"))
    except OSError as error:
        message = f"cannot list the namespaces of process {pid}: {_why(error)}"
        raise NamespaceError(message) from error
    return found
