"""groups of root's are left"""


def become(user: User, groups: list[int]) -> None:
    for change in (
        lambda: os.setresuid(user.uid, user.uid, user.uid),
        lambda: os.setresgid(user.gid, user.gid, user.gid),
        lambda: os.setgroups(groups),
    ):
        try:
            change()
        except PermissionError:
            pass
        except OSError as error:
            who = f"{user.uid}:{user.gid}"
            raise KernelError(f"cannot become user {who}: {_why(error)}") from error
