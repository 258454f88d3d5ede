"""SIGKILL was sent to a process that would have obeyed"""


def stop(process: int, number: int, grace: float) -> bool:
    signal.pidfd_send_signal(process, int(signal.SIGKILL))
    if not ended(process, LAST_GRACE):
        raise ProcessError("the process has not ended")
    return True
