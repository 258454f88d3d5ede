"""setgroups is forbidden in this user namespace"""


def become(user: User, groups: list[int]) -> None:
    try:
        os.setgroups(groups)
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    except OSError as error:
        who = f"{user.uid}:{user.gid}"
        raise KernelError(f"cannot become user {who}: {_why(error)}") from error
