"""one write for each line"""


def write_maps(pid: int, uids: list[Range], gids: list[Range]) -> None:
    root = os.geteuid() == 0
    if not root and any(len(ranges) > 1 or ranges[0].size > 1 for ranges in (uids, gids)):
        ask("newuidmap", pid, uids)
        ask("newgidmap", pid, gids)
        return
    for r in uids:
        write(f"/proc/{pid}/uid_map", f"{r.inside} {r.outside} {r.size}\n")
    if not root:
        write(f"/proc/{pid}/setgroups", "deny")
    for r in gids:
        write(f"/proc/{pid}/gid_map", f"{r.inside} {r.outside} {r.size}\n")
