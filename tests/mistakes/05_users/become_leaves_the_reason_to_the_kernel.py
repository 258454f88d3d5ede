"""the reason is not that of _why(error)"""


def become(user: User, groups: list[int]) -> None:
    try:
        if may_set_groups():
            os.setgroups(groups)
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    except OSError as error:
        raise KernelError(f"cannot become user {user.uid}:{user.gid}: {error}") from error
