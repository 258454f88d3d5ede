"""`except ChildProcessError` goes back to sigwait, and no SIGCHLD will come again"""


def init(main: int) -> int:
    while True:
        number = signal.sigwait([signal.SIGCHLD, *FORWARDED])
        if number != signal.SIGCHLD:
            send(main, number)
            continue
        try:
            while pid := (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if pid == main:
                    return decode(ended[1])
        except ChildProcessError:
            continue
