"""an ordinary user kept root's capabilities"""


def apply(wanted: int, root: bool, no_new_privileges: bool = False) -> None:
    try:
        _, permitted, _ = syscalls.capget()
        kept = wanted & permitted
        syscalls.capset(kept, kept, 0)
        if no_new_privileges:
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    except OSError as error:
        raise KernelError(f"cannot set the capabilities: {reason(error)}") from error
