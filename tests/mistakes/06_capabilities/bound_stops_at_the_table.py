"""a capability that NAMES does not have yet stays in"""


def bound(wanted: int) -> None:
    for number, name in enumerate(NAMES):
        if wanted >> number & 1:
            continue
        try:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno == EINVAL:
                return
            raise KernelError(f"cannot drop {name}: {reason(error)}") from error
