"""the row ended with NAMES"""


def bound(wanted: int) -> None:
    for number in range(len(NAMES)):
        if wanted >> number & 1:
            continue
        try:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno == EINVAL:
                return
            raise KernelError(f"cannot drop {NAMES[number]}: {reason(error)}") from error
