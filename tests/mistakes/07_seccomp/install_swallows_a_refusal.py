"""the kernel's refusal is swallowed: nothing is filtered"""


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
    except OSError:
        pass
