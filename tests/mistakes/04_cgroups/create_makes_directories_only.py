"""mkdir alone: nobody handed the controllers down"""


def create(root: str, path: str) -> str:
    group = f"{root}/{path.strip('/')}"
    try:
        os.makedirs(group, exist_ok=True)
    except OSError as error:
        raise CgroupError(f"cannot make the group {group}: {reason(error)}") from error
    return group
