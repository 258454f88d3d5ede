"""only the beginning of a line is a field"""


def sets(pid: int | str = "self") -> dict[str, int]:
    found = {}
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise KernelError(
            f"cannot read the capabilities of process {pid}: {reason(error)}"
        ) from error
    for field, name in SETS.items():
        found[name] = int(text.partition(f"{field}:")[2].split()[0], 16)
    return found
