"""a refusal of the kernel's was taken for the end of the process"""


def stop(process: int, number: int, grace: float) -> bool:
    for sent, patience in ((number, grace), (int(signal.SIGKILL), LAST_GRACE)):
        try:
            signal.pidfd_send_signal(process, sent)
        except (ProcessLookupError, PermissionError):
            return True
        except OSError as error:
            raise ProcessError(f"cannot send signal {sent}: {reason(error)}") from error
        if ended(process, patience):
            return sent == number
    raise ProcessError("the process has not ended")
