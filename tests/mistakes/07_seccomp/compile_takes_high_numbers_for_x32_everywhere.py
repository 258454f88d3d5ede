"""x32 shares its AUDIT_ARCH with x86_64, and with nothing else"""


def compile(profile: dict[str, Any], machine: str) -> bytes:
    program = Program()
    default = program.give(seccomp_rules.action(profile))
    enosys = program.give(FAIL_WITH_ENOSYS)
    start = foreign = program.give(KILL_THREAD)
    steps: dict[int, list[tuple[int, int]]] = {}
    for table in seccomp_rules.tables(profile, machine):
        steps.setdefault(table.audit, []).extend(ranges(program, table, default, enosys))
    for audit in steps:
        if steps[audit][-1][0] < X32_BIT:
            steps[audit] += [(X32_BIT, foreign), (SKIPPED, default)]
    for audit in reversed(steps):
        numbers = program.load(NUMBER, search(program, steps[audit]))
        start = program.test(EQUAL, audit, numbers, start)
    return program.bytes(program.load(ARCHITECTURE, start))
