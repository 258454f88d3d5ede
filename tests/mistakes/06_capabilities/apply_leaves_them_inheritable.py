"""as Docker had it until CVE-2022-24769"""


def apply(wanted: int, root: bool, no_new_privileges: bool = False) -> None:
    try:
        _, permitted, _ = syscalls.capget()
        kept = wanted & permitted if root else 0
        syscalls.capset(kept, kept, kept)
        if no_new_privileges:
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    except OSError as error:
        raise KernelError(f"cannot set the capabilities: {reason(error)}") from error
