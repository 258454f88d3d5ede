"""setresuid came first: without uid 0 there is no right to change groups any more"""


def become(user: User, groups: list[int]) -> None:
    try:
        os.setresuid(user.uid, user.uid, user.uid)
        os.setresgid(user.gid, user.gid, user.gid)
        if may_set_groups():
            os.setgroups(groups)
    except OSError as error:
        who = f"{user.uid}:{user.gid}"
        raise KernelError(f"cannot become user {who}: {_why(error)}") from error
