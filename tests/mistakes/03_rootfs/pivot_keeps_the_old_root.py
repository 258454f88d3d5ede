# Says: the old root is never unmounted
def pivot(root: str) -> None:
    try:
        os.chdir(root)
        syscalls.pivot_root(".", ".")
        os.chdir("/")
    except OSError as error:
        why = _why_no_pivot(root) if error.errno == 22 else reason(error)
        raise RootfsError(f"cannot pivot to {root}: {why}") from error
