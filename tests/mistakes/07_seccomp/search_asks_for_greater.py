"""a step's first number was given to the step before"""


def search(program: Program, steps: Sequence[tuple[int, int]]) -> int:
    if len(steps) == 1:
        return steps[0][1]
    middle = len(steps) // 2
    above = search(program, steps[middle:])
    below = search(program, steps[:middle])
    return program.test(GREATER, steps[middle][0], above, below)
