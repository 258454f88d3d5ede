"""a wait that blocks: while it waits for the next child to end, init hears no signal"""


def init(main: int) -> int:
    while True:
        number = signal.sigwait([signal.SIGCHLD, *FORWARDED])
        if number != signal.SIGCHLD:
            send(main, number)
            continue
        while True:
            pid, status = os.waitpid(-1, 0)
            if pid == main:
                return decode(status)
