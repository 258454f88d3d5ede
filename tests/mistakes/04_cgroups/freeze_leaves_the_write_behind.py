"""after giving up, the write is not undone"""


def freeze(group: str, frozen: bool = True) -> None:
    write(group, "cgroup.freeze", str(int(frozen)))
    give_up = time.monotonic() + FREEZE_DEADLINE
    while table(group, "cgroup.events").get("frozen") != int(frozen):
        if time.monotonic() > give_up:
            raise CgroupError(f"cannot freeze or thaw {group} in time")
        time.sleep(0.001)
