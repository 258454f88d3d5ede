"""nobody sends SIGKILL"""


def stop(process: int, number: int, grace: float) -> bool:
    try:
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        return True
    except OSError as error:
        raise ProcessError(f"cannot send signal {number}: {reason(error)}") from error
    return ended(process, grace) or ended(process, LAST_GRACE)
