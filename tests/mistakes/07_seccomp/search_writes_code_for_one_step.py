"""one step needs no code"""


def search(program: Program, steps: Sequence[tuple[int, int]]) -> int:
    if len(steps) == 1:
        return program.load(NUMBER, steps[0][1])
    middle = len(steps) // 2
    above = search(program, steps[middle:])
    below = search(program, steps[:middle])
    return program.test(GREATER_OR_EQUAL, steps[middle][0], above, below)
