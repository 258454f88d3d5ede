# Says: chroot in place of pivot_root
def pivot(root: str) -> None:
    try:
        os.chroot(root)
        os.chdir("/")
    except OSError as error:
        raise RootfsError(f"cannot pivot to {root}: {reason(error)}") from error
