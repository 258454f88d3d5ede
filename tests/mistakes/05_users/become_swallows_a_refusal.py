"""the program would go on as somebody else"""


def become(user: User, groups: list[int]) -> None:
    try:
        if may_set_groups():
            os.setgroups(groups)
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    except OSError:
        pass
