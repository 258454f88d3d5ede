"""must fail with ENOSYS, not EPERM"""


def compile(profile: dict[str, Any], machine: str) -> bytes:
    program = Program()
    default = program.give(seccomp_rules.action(profile))
    start = foreign = program.give(KILL_THREAD)
    steps: dict[int, list[tuple[int, int]]] = {}
    for table in seccomp_rules.tables(profile, machine):
        steps.setdefault(table.audit, []).extend(ranges(program, table, default, foreign))
    if X86_64 in steps and steps[X86_64][-1][0] < X32_BIT:
        steps[X86_64] += [(X32_BIT, foreign), (SKIPPED, default)]
    for audit in reversed(steps):
        numbers = program.load(NUMBER, search(program, steps[audit]))
        start = program.test(EQUAL, audit, numbers, start)
    return program.bytes(program.load(ARCHITECTURE, start))
