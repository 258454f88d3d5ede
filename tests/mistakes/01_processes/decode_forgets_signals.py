"""a killed process counts as a success: the signal is not looked at"""


def decode(status: int) -> int:
    return status >> 8
