"""the streams went first"""


def take_terminal(slave: int) -> None:
    try:
        for stream in (0, 1, 2):
            os.dup2(slave, stream)
            os.set_inheritable(stream, True)
        if slave > 2:
            os.close(slave)
        fcntl.ioctl(0, TIOCSCTTY, 0)
    except OSError as error:
        raise TerminalError(f"cannot take the terminal: {reason(error)}") from error
