"""the caller gave up its own capabilities"""


def bound(wanted: int) -> None:
    for number in range(MOST):
        if wanted >> number & 1:
            continue
        try:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno == EINVAL:
                break
            raise KernelError(f"cannot drop {NAMES[number]}: {reason(error)}") from error
    syscalls.capset(wanted, wanted, 0)
