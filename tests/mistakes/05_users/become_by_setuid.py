"""setuid of a process without the right sets the effective id alone, setresuid all three"""


def become(user: User, groups: list[int]) -> None:
    try:
        if may_set_groups():
            os.setgroups(groups)
        os.setgid(user.gid)
        os.setuid(user.uid)
    except OSError as error:
        who = f"{user.uid}:{user.gid}"
        raise KernelError(f"cannot become user {who}: {_why(error)}") from error
