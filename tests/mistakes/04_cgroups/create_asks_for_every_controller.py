"""a controller is asked for that cgroup.controllers does not list"""


def create(root: str, path: str) -> str:
    group = root
    for name in path.strip("/").split("/"):
        write(group, "cgroup.subtree_control", " ".join(f"+{it}" for it in CONTROLLERS))
        group = f"{group}/{name}"
        try:
            os.mkdir(group, 0o755)
        except FileExistsError:
            pass
        except OSError as error:
            raise CgroupError(f"cannot make the group {group}: {reason(error)}") from error
    return group
