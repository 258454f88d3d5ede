"""it waits without a deadline"""


def freeze(group: str, frozen: bool = True) -> None:
    write(group, "cgroup.freeze", str(int(frozen)))
    while table(group, "cgroup.events").get("frozen") != int(frozen):
        time.sleep(0.001)
