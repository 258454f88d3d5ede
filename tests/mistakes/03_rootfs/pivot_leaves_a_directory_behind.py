# Says: has no room for the old root's directory
def pivot(root: str) -> None:
    try:
        os.chdir(root)
        os.makedirs("old", exist_ok=True)
        syscalls.pivot_root(".", "old")
        os.chdir("/")
        syscalls.umount("/old", syscalls.MNT_DETACH)
    except OSError as error:
        why = _why_no_pivot(root) if error.errno == 22 else reason(error)
        raise RootfsError(f"cannot pivot to {root}: {why}") from error
