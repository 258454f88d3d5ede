"""bits of a text can be neither asked for nor joined"""


def sets(pid: int | str = "self") -> dict[str, int]:
    found = {}
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            for line in file:
                field, _, value = line.partition(":")
                if field in SETS:
                    found[SETS[field]] = value.strip()
    except OSError as error:
        raise KernelError(
            f"cannot read the capabilities of process {pid}: {reason(error)}"
        ) from error
    return found
