"""a child that escapes"""


def spawn(child: Callable[[int], int], fork: Callable[[], int] = os.fork) -> int:
    reader, report = os.pipe()
    try:
        pid = fork()
    except OSError as error:
        raise ProcessError(f"cannot start a process: {reason(error)}") from error
    if pid == 0:
        os.close(reader)
        os._exit(child(report))
    os.close(report)
    with open(reader, "rb") as pipe:
        text = pipe.read(REPORT_LIMIT)
    if text:
        os.waitpid(pid, 0)
        raise failure(text)
    return pid
