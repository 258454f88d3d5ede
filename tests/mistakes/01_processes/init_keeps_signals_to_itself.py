"""signals are not forwarded: docker stop would wait in vain, and then kill"""


def init(main: int) -> int:
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == main:
            return decode(status)
