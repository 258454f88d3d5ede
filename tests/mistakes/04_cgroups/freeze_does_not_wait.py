"""it does not wait, or looks at another line than frozen"""


def freeze(group: str, frozen: bool = True) -> None:
    write(group, "cgroup.freeze", str(int(frozen)))
