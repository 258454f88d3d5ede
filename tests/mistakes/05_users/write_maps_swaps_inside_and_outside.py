"""inside and outside are swapped"""


def write_maps(pid: int, uids: list[Range], gids: list[Range]) -> None:
    root = os.geteuid() == 0
    own = (uids, os.geteuid()), (gids, os.getegid())
    if not root and any([(r.outside, r.size) for r in it] != [(me, 1)] for it, me in own):
        ask("newuidmap", pid, uids)
        ask("newgidmap", pid, gids)
        return
    write(f"/proc/{pid}/uid_map", "".join(f"{r.outside} {r.inside} {r.size}\n" for r in uids))
    if not root:
        write(f"/proc/{pid}/setgroups", "deny")
    write(f"/proc/{pid}/gid_map", "".join(f"{r.outside} {r.inside} {r.size}\n" for r in gids))
