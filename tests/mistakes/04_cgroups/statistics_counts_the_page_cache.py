"""the page cache is counted"""


def statistics(group: str) -> dict[str, int]:
    used = number(group, "memory.current")
    io = [pair for line in text(group, "io.stat").splitlines() for pair in line.split()[1:]]
    return {
        "cpu": table(group, "cpu.stat").get("usage_usec", 0) * 1000,
        "memory": used,
        "limit": number(group, "memory.max"),
        "pids": number(group, "pids.current"),
        "read": sum(int(pair[7:]) for pair in io if pair.startswith("rbytes=")),
        "written": sum(int(pair[7:]) for pair in io if pair.startswith("wbytes=")),
    }
