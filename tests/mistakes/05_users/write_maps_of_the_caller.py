"""the maps of another process were written"""


def write_maps(pid: int, uids: list[Range], gids: list[Range]) -> None:
    root = os.geteuid() == 0
    own = (uids, os.geteuid()), (gids, os.getegid())
    if not root and any([(r.outside, r.size) for r in it] != [(me, 1)] for it, me in own):
        ask("newuidmap", pid, uids)
        ask("newgidmap", pid, gids)
        return
    write("/proc/self/uid_map", "".join(f"{r.inside} {r.outside} {r.size}\n" for r in uids))
    if not root:
        write("/proc/self/setgroups", "deny")
    write("/proc/self/gid_map", "".join(f"{r.inside} {r.outside} {r.size}\n" for r in gids))
