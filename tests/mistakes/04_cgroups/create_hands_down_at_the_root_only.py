"""the root alone cannot hand it to a grandchild"""


def create(root: str, path: str) -> str:
    for controller in CONTROLLERS:
        if controller in read(root, "cgroup.controllers").split():
            write(root, "cgroup.subtree_control", f"+{controller}")
    group = root
    for name in path.strip("/").split("/"):
        group = f"{group}/{name}"
        try:
            os.mkdir(group, 0o755)
        except FileExistsError:
            pass
        except OSError as error:
            raise CgroupError(f"cannot make the group {group}: {reason(error)}") from error
    return group
