"""the lower half decides, and the upper one only if the lower ones are equal"""


def compare(program: Program, condition: Condition, yes: int, no: int) -> int:
    opposites = {"NE": "EQ", "LT": "GE", "LE": "GT"}
    operator = condition.operator
    if operator in opposites:
        operator, yes, no = opposites[operator], no, yes
    comparison = {"EQ": EQUAL, "GT": GREATER, "GE": GREATER_OR_EQUAL}[operator]
    lower, upper = condition.value & 0xFFFFFFFF, condition.value >> 32
    offset = ARGUMENTS + 8 * condition.index
    if condition.bits == 32:
        start = program.test(comparison, lower, yes, no)
        return program.load(offset, program.keep(condition.mask & 0xFFFFFFFF, start))
    start = program.test(comparison, upper, yes, no)
    start = program.load(offset + 4, program.keep(condition.mask >> 32, start))
    start = program.test(EQUAL, lower, start, no)
    if operator != "EQ":
        start = program.test(GREATER, lower, yes, start)
    return program.load(offset, program.keep(condition.mask & 0xFFFFFFFF, start))
