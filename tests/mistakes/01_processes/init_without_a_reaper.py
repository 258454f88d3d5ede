"""an init without a reaper: it waits for main only"""


def init(main: int) -> int:
    while True:
        number = signal.sigwait([signal.SIGCHLD, *FORWARDED])
        if number != signal.SIGCHLD:
            send(main, number)
            continue
        pid, status = os.waitpid(main, os.WNOHANG)
        if pid == main:
            return decode(status)
