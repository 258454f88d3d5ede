"""it is ordinary users whom a setuid program makes root"""


def apply(wanted: int, root: bool, no_new_privileges: bool = False) -> None:
    try:
        if not root:
            syscalls.capset(0, 0, 0)
            return
        _, permitted, _ = syscalls.capget()
        syscalls.capset(wanted & permitted, wanted & permitted, 0)
        if no_new_privileges:
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    except OSError as error:
        raise KernelError(f"cannot set the capabilities: {reason(error)}") from error
