"""a name may have bytes that are no UTF-8"""


def sets(pid: int | str = "self") -> dict[str, int]:
    found = {}
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            for line in file:
                field, _, value = line.partition(":")
                if field in SETS:
                    found[SETS[field]] = int(value, 16)
    except OSError as error:
        raise KernelError(
            f"cannot read the capabilities of process {pid}: {reason(error)}"
        ) from error
    return found
