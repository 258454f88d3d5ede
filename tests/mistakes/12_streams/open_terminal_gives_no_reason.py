"""or why it failed"""


def open_terminal(directory: str = "/dev/pts") -> tuple[int, int]:
    flags = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC
    what = f"cannot open a terminal in {directory}"
    try:
        place = syscalls.openat2(HERE, directory, syscalls.O_PATH | os.O_DIRECTORY, NO_LINKS)
        try:
            if syscalls.filesystem_type(place) != DEVPTS:
                raise TerminalError(f"{what}: it is not a devpts")
            master = syscalls.openat2(place, "ptmx", flags, NO_LINKS | NO_MOUNTS)
        finally:
            os.close(place)
        try:
            fcntl.ioctl(master, TIOCSPTLCK, bytes(4))
            return master, fcntl.ioctl(master, TIOCGPTPEER, flags)
        except OSError:
            os.close(master)
            raise
    except OSError as error:
        raise TerminalError(what) from error
