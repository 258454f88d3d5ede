"""a flag that is not in the table is skipped"""


def install(program: bytes, flags: Iterable[str] = ()) -> None:
    bits = sum(syscalls_seccomp.FLAGS.get(flag, 0) for flag in flags)
    if not program or len(program) % 8 or len(program) > 8 * LONGEST:
        raise ConfigError(f"{len(program)} bytes are no seccomp filter")
    try:
        syscalls_seccomp.set_filter(program, bits)
    except OSError as error:
        why = reason(error)
        if error.errno == 13:
            why = "the thread has neither CAP_SYS_ADMIN nor no_new_privs"
        raise KernelError(f"cannot install the seccomp filter: {why}") from error
