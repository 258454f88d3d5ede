"""the kernel's ProcessLookupError is no error here"""


def stop(process: int, number: int, grace: float) -> bool:
    for sent, patience in ((number, grace), (int(signal.SIGKILL), LAST_GRACE)):
        signal.pidfd_send_signal(process, sent)
        if ended(process, patience):
            return sent == number
    raise ProcessError("the process has not ended")
