"""the new group hands controllers down itself"""


def create(root: str, path: str) -> str:
    group = root
    for name in ["", *path.strip("/").split("/")]:
        group = f"{group}/{name}" if name else group
        try:
            os.mkdir(group, 0o755)
        except FileExistsError:
            pass
        except OSError as error:
            raise CgroupError(f"cannot make the group {group}: {reason(error)}") from error
        for controller in read(group, "cgroup.controllers").split():
            if controller in CONTROLLERS:
                write(group, "cgroup.subtree_control", f"+{controller}")
    return group
