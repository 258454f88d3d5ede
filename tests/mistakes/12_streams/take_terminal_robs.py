"""takes the terminal away from the session that has it"""


def take_terminal(slave: int) -> None:
    try:
        fcntl.ioctl(slave, TIOCSCTTY, 1)
        for stream in (0, 1, 2):
            os.dup2(slave, stream)
            os.set_inheritable(stream, True)
        if slave > 2:
            os.close(slave)
    except OSError as error:
        raise TerminalError(f"cannot take the terminal: {reason(error)}") from error
