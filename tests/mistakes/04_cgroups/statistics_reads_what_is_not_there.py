"""a file that does not exist is read all the same"""


def statistics(group: str) -> dict[str, int]:
    used = int(read(group, "memory.current"))
    io = [pair for line in read(group, "io.stat").splitlines() for pair in line.split()[1:]]
    return {
        "cpu": table(group, "cpu.stat").get("usage_usec", 0) * 1000,
        "memory": max(0, used - table(group, "memory.stat").get("inactive_file", 0)),
        "limit": number(group, "memory.max"),
        "pids": int(read(group, "pids.current")),
        "read": sum(int(pair[7:]) for pair in io if pair.startswith("rbytes=")),
        "written": sum(int(pair[7:]) for pair in io if pair.startswith("wbytes=")),
    }
