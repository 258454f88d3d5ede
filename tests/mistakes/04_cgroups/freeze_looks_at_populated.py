"""looks at another line than frozen"""


def freeze(group: str, frozen: bool = True) -> None:
    state = str(int(frozen))
    write(group, "cgroup.freeze", state)
    give_up = time.monotonic() + FREEZE_DEADLINE
    while state not in read(group, "cgroup.events"):
        if time.monotonic() > give_up:
            write(group, "cgroup.freeze", str(int(not frozen)))
            raise CgroupError(f"cannot freeze or thaw {group} in time")
        time.sleep(0.001)
