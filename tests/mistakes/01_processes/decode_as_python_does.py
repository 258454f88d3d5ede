"""Python's convention, minus the signal; shells and Docker add 128"""


def decode(status: int) -> int:
    return os.waitstatus_to_exitcode(status)
