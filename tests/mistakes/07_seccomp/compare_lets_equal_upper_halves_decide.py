"""equal upper halves decide already; then the lower half should"""


def compare(program: Program, condition: Condition, yes: int, no: int) -> int:
    opposites = {"NE": "EQ", "LT": "GE", "LE": "GT"}
    operator = condition.operator
    if operator in opposites:
        operator, yes, no = opposites[operator], no, yes
    comparison = {"EQ": EQUAL, "GT": GREATER, "GE": GREATER_OR_EQUAL}[operator]
    lower, upper = condition.value & 0xFFFFFFFF, condition.value >> 32
    offset = ARGUMENTS + 8 * condition.index
    start = program.test(comparison, lower, yes, no)
    start = program.load(offset, program.keep(condition.mask & 0xFFFFFFFF, start))
    if condition.bits == 32:
        return start
    start = program.test(EQUAL, upper, start, no)
    if operator != "EQ":
        start = program.test(GREATER_OR_EQUAL, upper, yes, start)
    return program.load(offset + 4, program.keep(condition.mask >> 32, start))
