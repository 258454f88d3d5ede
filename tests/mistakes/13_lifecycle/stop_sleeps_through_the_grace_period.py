"""the grace period was slept through"""


def stop(process: int, number: int, grace: float) -> bool:
    import time

    for sent, patience in ((number, grace), (int(signal.SIGKILL), LAST_GRACE)):
        try:
            signal.pidfd_send_signal(process, sent)
        except ProcessLookupError:
            return True
        except OSError as error:
            raise ProcessError(f"cannot send signal {sent}: {reason(error)}") from error
        if sent == number and grace > 0:
            time.sleep(grace)
            patience = 0
        if ended(process, patience):
            return sent == number
    raise ProcessError("the process has not ended")
