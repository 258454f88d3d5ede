"""EINVAL means that this kernel's capabilities end here"""


def bound(wanted: int) -> None:
    for number in range(MOST):
        if wanted >> number & 1:
            continue
        try:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
        except OSError as error:
            name = NAMES[number] if number < len(NAMES) else f"capability {number}"
            raise KernelError(f"cannot drop {name}: {reason(error)}") from error
