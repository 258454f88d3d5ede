"""one wait for each SIGCHLD: signals are not counted"""


def init(main: int) -> int:
    while True:
        number = signal.sigwait([signal.SIGCHLD, *FORWARDED])
        if number != signal.SIGCHLD:
            send(main, number)
            continue
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == main:
            return decode(status)
