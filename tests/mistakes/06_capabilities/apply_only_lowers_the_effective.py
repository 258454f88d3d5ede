"""what is not effective can be made effective again"""


def apply(wanted: int, root: bool, no_new_privileges: bool = False) -> None:
    try:
        _, permitted, _ = syscalls.capget()
        if root:
            syscalls.capset(wanted & permitted, permitted, 0)
        else:
            syscalls.capset(0, 0, 0)
        if no_new_privileges:
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    except OSError as error:
        raise KernelError(f"cannot set the capabilities: {reason(error)}") from error
