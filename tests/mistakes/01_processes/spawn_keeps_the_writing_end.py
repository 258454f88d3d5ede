"""the parent still holds the writing end itself"""


def spawn(child: Callable[[int], int], fork: Callable[[], int] = os.fork) -> int:
    reader, report = os.pipe()
    try:
        pid = fork()
    except OSError as error:
        raise ProcessError(f"cannot start a process: {reason(error)}") from error
    if pid == 0:
        try:
            os._exit(child(report))
        except BaseException as error:
            fail(error, report)
    with open(reader, "rb") as pipe:
        text = pipe.read(REPORT_LIMIT)
    os.close(report)
    if text:
        os.waitpid(pid, 0)
        raise failure(text)
    return pid
