"""the kernel looks at the effective one, os.geteuid"""


def write_maps(pid: int, uids: list[Range], gids: list[Range]) -> None:
    root = os.getuid() == 0
    own = (uids, os.getuid()), (gids, os.getgid())
    if not root and any([(r.outside, r.size) for r in it] != [(me, 1)] for it, me in own):
        ask("newuidmap", pid, uids)
        ask("newgidmap", pid, gids)
        return
    write(f"/proc/{pid}/uid_map", "".join(f"{r.inside} {r.outside} {r.size}\n" for r in uids))
    if not root:
        write(f"/proc/{pid}/setgroups", "deny")
    write(f"/proc/{pid}/gid_map", "".join(f"{r.inside} {r.outside} {r.size}\n" for r in gids))
