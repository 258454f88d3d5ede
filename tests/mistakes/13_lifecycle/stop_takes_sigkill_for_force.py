"""whoever asks for SIGKILL gets what he asked for"""


def stop(process: int, number: int, grace: float) -> bool:
    for sent, patience in ((number, grace), (int(signal.SIGKILL), LAST_GRACE)):
        try:
            signal.pidfd_send_signal(process, sent)
        except ProcessLookupError:
            return True
        except OSError as error:
            raise ProcessError(f"cannot send signal {sent}: {reason(error)}") from error
        if ended(process, patience):
            return sent != signal.SIGKILL
    raise ProcessError("the process has not ended")
