"""the container keeps every right of root"""


def bound(wanted: int) -> None:
    for number in range(MOST):
        if wanted >> number & 1:
            continue
        try:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
        except OSError:
            return
