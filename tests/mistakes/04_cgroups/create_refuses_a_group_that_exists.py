"""a group that exists is taken for an error"""


def create(root: str, path: str) -> str:
    group = root
    for name in path.strip("/").split("/"):
        for controller in read(group, "cgroup.controllers").split():
            if controller in CONTROLLERS:
                write(group, "cgroup.subtree_control", f"+{controller}")
        group = f"{group}/{name}"
        try:
            os.mkdir(group, 0o755)
        except OSError as error:
            raise CgroupError(f"cannot make the group {group}: {reason(error)}") from error
    return group
