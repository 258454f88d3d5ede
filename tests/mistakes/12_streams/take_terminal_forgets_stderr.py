"""a program has three streams, and asks 2 as well"""


def take_terminal(slave: int) -> None:
    try:
        fcntl.ioctl(slave, TIOCSCTTY, 0)
        for stream in (0, 1):
            os.dup2(slave, stream)
        if slave > 2:
            os.close(slave)
    except OSError as error:
        raise TerminalError(f"cannot take the terminal: {reason(error)}") from error
