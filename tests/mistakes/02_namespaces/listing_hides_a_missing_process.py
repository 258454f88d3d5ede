"""no such process looks like a process without namespaces"""


def listing(pid: int | str) -> dict[str, int]:
    found: dict[str, int] = {}
    for kind in FLAGS:
        try:
            text = os.readlink(f"/proc/{pid}/ns/{kind}")
        except FileNotFoundError:
            continue
        except OSError as error:
            message = f"cannot list the namespaces of process {pid}: {_why(error)}"
            raise NamespaceError(message) from error
        found[kind] = int(text.partition("[")[2].rstrip("]"))
    return found
