"""0 is a code too: `if code` does not tell main's end from nothing"""


def init(main: int) -> int:
    while True:
        number = signal.sigwait([signal.SIGCHLD, *FORWARDED])
        if number != signal.SIGCHLD:
            send(main, number)
            continue
        code = 0
        try:
            while pid := (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if pid == main:
                    code = decode(ended[1])
        except ChildProcessError as error:
            if not code:
                raise ProcessError(f"process {main} is not our child") from error
        if code:
            return code
