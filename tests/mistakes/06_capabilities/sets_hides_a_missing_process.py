"""no process looks like a process without capabilities"""


def sets(pid: int | str = "self") -> dict[str, int]:
    found = {name: 0 for name in SETS.values()}
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            for line in file:
                field, _, value = line.partition(":")
                if field in SETS:
                    found[SETS[field]] = int(value, 16)
    except OSError:
        pass
    return found
