"""an ordinary user wrote a map that takes newuidmap and newgidmap"""


def write_maps(pid: int, uids: list[Range], gids: list[Range]) -> None:
    root = os.geteuid() == 0
    if not root and [(r.outside, r.size) for r in uids] != [(os.geteuid(), 1)]:
        ask("newuidmap", pid, uids)
        ask("newgidmap", pid, gids)
        return
    write(f"/proc/{pid}/uid_map", "".join(f"{r.inside} {r.outside} {r.size}\n" for r in uids))
    if not root:
        write(f"/proc/{pid}/setgroups", "deny")
    write(f"/proc/{pid}/gid_map", "".join(f"{r.inside} {r.outside} {r.size}\n" for r in gids))
