"""spawn does not read the pipe to its end before it returns"""


def spawn(child: Callable[[int], int], fork: Callable[[], int] = os.fork) -> int:
    try:
        pid = fork()
    except OSError as error:
        raise ProcessError(f"cannot start a process: {reason(error)}") from error
    if pid == 0:
        report = os.open(os.devnull, os.O_WRONLY)
        try:
            os._exit(child(report))
        except BaseException as error:
            fail(error, report)
    return pid
