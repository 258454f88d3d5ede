"""the core dump bit was taken for a part of the signal's number"""


def decode(status: int) -> int:
    return 128 + (status & 0xFF) if status & 0xFF else status >> 8
