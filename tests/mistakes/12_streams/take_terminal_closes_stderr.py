"""it closed what had become a stream"""


def take_terminal(slave: int) -> None:
    try:
        fcntl.ioctl(slave, TIOCSCTTY, 0)
        for stream in (0, 1, 2):
            os.dup2(slave, stream)
            os.set_inheritable(stream, True)
        if slave >= 2:
            os.close(slave)
    except OSError as error:
        raise TerminalError(f"cannot take the terminal: {reason(error)}") from error
