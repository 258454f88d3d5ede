"""a busy loop: it asks again and again"""


def init(main: int) -> int:
    while True:
        waiting = signal.sigpending()
        for number in waiting - {signal.SIGCHLD}:
            send(main, signal.sigwait([number]))
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == main:
            return decode(status)
