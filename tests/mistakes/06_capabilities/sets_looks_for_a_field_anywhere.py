"""a row was searched for a field's name: only what its first colon ends is a field"""


def sets(pid: int | str = "self") -> dict[str, int]:
    found = {}
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            for line in file:
                for field in SETS:
                    if field in line:
                        found[SETS[field]] = int(line.split(":")[-1].strip(), 16)
    except OSError as error:
        raise KernelError(
            f"cannot read the capabilities of process {pid}: {reason(error)}"
        ) from error
    return found
