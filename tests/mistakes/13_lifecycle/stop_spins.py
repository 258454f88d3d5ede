"""a loop without a sleep keeps a processor busy"""


def stop(process: int, number: int, grace: float) -> bool:
    import time

    for sent, patience in ((number, grace), (int(signal.SIGKILL), LAST_GRACE)):
        try:
            signal.pidfd_send_signal(process, sent)
        except ProcessLookupError:
            return True
        except OSError as error:
            raise ProcessError(f"cannot send signal {sent}: {reason(error)}") from error
        end = time.monotonic() + patience
        while patience < 0 or time.monotonic() <= end:
            if ended(process, 0):
                return sent == number
    raise ProcessError("the process has not ended")
