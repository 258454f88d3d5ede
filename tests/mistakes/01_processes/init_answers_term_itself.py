"""init answers SIGTERM itself and does not wait for main to end"""


def init(main: int) -> int:
    while True:
        number = signal.sigwait([signal.SIGCHLD, *FORWARDED])
        if number == signal.SIGTERM:
            send(main, number)
            return 128 + number
        if number != signal.SIGCHLD:
            send(main, number)
            continue
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == main:
                return decode(status)
            if pid == 0:
                break
