"""CAP_SYS_ADMIN is named, and is one of two ways to the right"""


def install(program: bytes, flags: Iterable[str] = ()) -> None:
    bits = 0
    for flag in flags:
        if flag not in syscalls_seccomp.FLAGS:
            raise ConfigError(f"unknown seccomp flag {flag!r}")
        bits |= syscalls_seccomp.FLAGS[flag]
    if not program or len(program) % 8 or len(program) > 8 * LONGEST:
        raise ConfigError(f"{len(program)} bytes are no seccomp filter")
    try:
        syscalls_seccomp.set_filter(program, bits)
    except OSError as error:
        why = reason(error)
        if error.errno == 13:
            why = "the thread has no CAP_SYS_ADMIN"
        raise KernelError(f"cannot install the seccomp filter: {why}") from error
