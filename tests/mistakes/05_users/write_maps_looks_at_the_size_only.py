"""one line of size 1 that stands for its own id is all that it may write"""


def write_maps(pid: int, uids: list[Range], gids: list[Range]) -> None:
    root = os.geteuid() == 0
    if not root and any(len(ranges) > 1 or ranges[0].size > 1 for ranges in (uids, gids)):
        ask("newuidmap", pid, uids)
        ask("newgidmap", pid, gids)
        return
    write(f"/proc/{pid}/uid_map", "".join(f"{r.inside} {r.outside} {r.size}\n" for r in uids))
    if not root:
        write(f"/proc/{pid}/setgroups", "deny")
    write(f"/proc/{pid}/gid_map", "".join(f"{r.inside} {r.outside} {r.size}\n" for r in gids))
