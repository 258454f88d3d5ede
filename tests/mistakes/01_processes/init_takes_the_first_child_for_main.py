"""the first child that ends is taken for main"""


def init(main: int) -> int:
    while True:
        number = signal.sigwait([signal.SIGCHLD, *FORWARDED])
        if number != signal.SIGCHLD:
            send(main, number)
            continue
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            return decode(status)
