"""passes_over keeps the comments that it passes over"""


def parse(text: str) -> Dockerfile:
    lines = builder_lines.physical(text)
    found, at = Dockerfile(builder_lines.directives(lines)), 0
    while at < len(lines):
        if builder_lines.is_blank(lines[at]) or builder_lines.is_comment(lines[at]):
            at += 1
            continue
        first, parts, more, empty = at + 1, list[str](), True, False
        while more and at < len(lines):
            line, at = lines[at], at + 1
            if builder_lines.is_blank(line):
                empty = True
            elif not builder_lines.is_comment(line):
                part, more = builder_lines.cut(line, found.escape)
                parts.append(part)
        try:
            instruction = Instruction("".join(parts), first, found.escape)
            at = instruction.read_heredocs(lines, at)
            found.add(instruction, at, empty)
        except UsageError as error:
            raise builder_lines.DockerfileError(str(error), first, at) from None
    if not found.instructions:
        raise UsageError("file with no instructions")
    return found
