"""after SIGKILL it waits without an end"""


def stop(process: int, number: int, grace: float) -> bool:
    for sent, patience in ((number, grace), (int(signal.SIGKILL), -1.0)):
        try:
            signal.pidfd_send_signal(process, sent)
        except ProcessLookupError:
            return True
        except OSError as error:
            raise ProcessError(f"cannot send signal {sent}: {reason(error)}") from error
        if ended(process, patience):
            return sent == number
    raise ProcessError("the process has not ended")
