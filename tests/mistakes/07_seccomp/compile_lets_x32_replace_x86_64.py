"""the later one replaced the earlier"""


def compile(profile: dict[str, Any], machine: str) -> bytes:
    program = Program()
    default = program.give(seccomp_rules.action(profile))
    enosys = program.give(FAIL_WITH_ENOSYS)
    start = foreign = program.give(KILL_THREAD)
    steps: dict[int, list[tuple[int, int]]] = {}
    for table in seccomp_rules.tables(profile, machine):
        steps[table.audit] = ranges(program, table, default, enosys)
    if X86_64 in steps and steps[X86_64][-1][0] < X32_BIT:
        steps[X86_64] += [(X32_BIT, foreign), (SKIPPED, default)]
    for audit in reversed(steps):
        numbers = program.load(NUMBER, search(program, steps[audit]))
        start = program.test(EQUAL, audit, numbers, start)
    return program.bytes(program.load(ARCHITECTURE, start))
