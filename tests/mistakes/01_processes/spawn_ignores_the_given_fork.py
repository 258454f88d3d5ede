"""spawn calls os.fork and not the fork that it was given"""


def spawn(child: Callable[[int], int], fork: Callable[[], int] = os.fork) -> int:
    reader, report = os.pipe()
    with open(reader, "rb") as pipe:
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(child(report))
            except BaseException as error:
                fail(error, report)
        os.close(report)
        text = pipe.read(REPORT_LIMIT)
    if text:
        os.waitpid(pid, 0)
        raise failure(text)
    return pid
