"""stop did not wait for the end after SIGKILL"""


def stop(process: int, number: int, grace: float) -> bool:
    try:
        signal.pidfd_send_signal(process, number)
        if ended(process, grace):
            return True
        signal.pidfd_send_signal(process, int(signal.SIGKILL))
    except ProcessLookupError:
        return True
    except OSError as error:
        raise ProcessError(f"cannot send a signal: {reason(error)}") from error
    return False
