"""the steps are asked one after the other"""


def search(program: Program, steps: Sequence[tuple[int, int]]) -> int:
    start = steps[0][1]
    for first, label in steps[1:]:
        start = program.test(GREATER_OR_EQUAL, first, label, start)
    return start
