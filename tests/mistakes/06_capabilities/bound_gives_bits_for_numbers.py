"""prctl takes the capability's number"""


def bound(wanted: int) -> None:
    for number in range(MOST):
        if wanted >> number & 1:
            continue
        try:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, 1 << number)
        except OSError as error:
            if error.errno == EINVAL:
                return
            raise KernelError(f"cannot drop {NAMES[number]}: {reason(error)}") from error
