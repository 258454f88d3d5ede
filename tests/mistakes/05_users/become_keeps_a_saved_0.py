"""a saved 0 is a way back to root"""


def become(user: User, groups: list[int]) -> None:
    try:
        if may_set_groups():
            os.setgroups(groups)
        os.setegid(user.gid)
        os.seteuid(user.uid)
    except OSError as error:
        who = f"{user.uid}:{user.gid}"
        raise KernelError(f"cannot become user {who}: {_why(error)}") from error
