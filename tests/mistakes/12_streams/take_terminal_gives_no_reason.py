"""or why it failed"""


def take_terminal(slave: int) -> None:
    try:
        fcntl.ioctl(slave, TIOCSCTTY, 0)
        for stream in (0, 1, 2):
            os.dup2(slave, stream)
            os.set_inheritable(stream, True)
        if slave > 2:
            os.close(slave)
    except OSError as error:
        raise TerminalError("cannot take the terminal") from error
