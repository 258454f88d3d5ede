# Says: gid_map was written before setgroups was told "deny"


def write_maps(pid: int, uids: list[Range], gids: list[Range]) -> None:
    root = os.geteuid() == 0
    own = (uids, os.geteuid()), (gids, os.getegid())
    if not root and any([(r.outside, r.size) for r in it] != [(me, 1)] for it, me in own):
        ask("newuidmap", pid, uids)
        ask("newgidmap", pid, gids)
        return
    write(f"/proc/{pid}/uid_map", "".join(f"{r.inside} {r.outside} {r.size}\n" for r in uids))
    write(f"/proc/{pid}/gid_map", "".join(f"{r.inside} {r.outside} {r.size}\n" for r in gids))
