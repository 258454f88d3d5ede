"""the kernel refuses to add to the permitted set"""


def apply(wanted: int, root: bool, no_new_privileges: bool = False) -> None:
    kept = wanted if root else 0
    try:
        syscalls.capset(kept, kept, 0)
        if no_new_privileges:
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    except OSError as error:
        raise KernelError(f"cannot set the capabilities: {reason(error)}") from error
