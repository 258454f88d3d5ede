"""init waits until there are no children left"""


def init(main: int) -> int:
    code = 0
    while True:
        number = signal.sigwait([signal.SIGCHLD, *FORWARDED])
        if number != signal.SIGCHLD:
            send(main, number)
            continue
        try:
            while pid := (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if pid == main:
                    code = decode(ended[1])
        except ChildProcessError:
            return code
