"""TERM is only the default"""


def stop(process: int, number: int, grace: float) -> bool:
    term = int(signal.SIGTERM)
    for sent, patience in ((term, grace), (int(signal.SIGKILL), LAST_GRACE)):
        try:
            signal.pidfd_send_signal(process, sent)
        except ProcessLookupError:
            return True
        except OSError as error:
            raise ProcessError(f"cannot send signal {sent}: {reason(error)}") from error
        if ended(process, patience):
            return sent == term
    raise ProcessError("the process has not ended")
