"""a zombie: the failed child is not waited for"""


def spawn(child: Callable[[int], int], fork: Callable[[], int] = os.fork) -> int:
    reader, report = os.pipe()
    with open(reader, "rb") as pipe:
        try:
            pid = fork()
            if pid == 0:
                try:
                    os._exit(child(report))
                except BaseException as error:
                    fail(error, report)
        except OSError as error:
            raise ProcessError(f"cannot start a process: {reason(error)}") from error
        finally:
            os.close(report)
        text = pipe.read(REPORT_LIMIT)
    if text:
        raise failure(text)
    return pid
