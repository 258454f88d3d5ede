"""an Instruction was made without the directive's escape character"""


def parse(text: str) -> Dockerfile:
    lines = builder_lines.physical(text)
    found, at = Dockerfile(builder_lines.directives(lines)), 0
    while at < len(lines):
        if found.passes_over(lines[at]):
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
            instruction = Instruction("".join(parts), first, "\\")
            at = instruction.read_heredocs(lines, at)
            found.add(instruction, at, empty)
        except UsageError as error:
            raise builder_lines.DockerfileError(str(error), first, at) from None
    if not found.instructions:
        raise UsageError("file with no instructions")
    return found
