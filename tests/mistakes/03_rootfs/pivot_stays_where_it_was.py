# Says: the working directory stays outside
def pivot(root: str) -> None:
    try:
        syscalls.pivot_root(root, root)
        syscalls.umount("/", syscalls.MNT_DETACH)
    except OSError as error:
        why = _why_no_pivot(root) if error.errno == 22 else reason(error)
        raise RootfsError(f"cannot pivot to {root}: {why}") from error
