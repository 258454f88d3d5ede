"""a program of impossible length went to the kernel"""


def install(program: bytes, flags: Iterable[str] = ()) -> None:
    bits = 0
    for flag in flags:
        if flag not in syscalls_seccomp.FLAGS:
            raise ConfigError(f"unknown seccomp flag {flag!r}")
        bits |= syscalls_seccomp.FLAGS[flag]
    try:
        syscalls_seccomp.set_filter(program, bits)
    except OSError as error:
        why = reason(error)
        if error.errno == 13:
            why = "the thread has neither CAP_SYS_ADMIN nor no_new_privs"
        raise KernelError(f"cannot install the seccomp filter: {why}") from error
