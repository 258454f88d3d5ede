"""the architecture is never looked at"""


def compile(profile: dict[str, Any], machine: str) -> bytes:
    program = Program()
    default = program.give(seccomp_rules.action(profile))
    enosys = program.give(FAIL_WITH_ENOSYS)
    start = foreign = program.give(KILL_THREAD)
    steps: dict[int, list[tuple[int, int]]] = {}
    for table in seccomp_rules.tables(profile, machine):
        steps.setdefault(table.audit, []).extend(ranges(program, table, default, enosys))
    own = next(iter(steps.values()))
    return program.bytes(
        program.load(NUMBER, search(program, [*own, (X32_BIT, foreign), (SKIPPED, default)]))
    )
