"""only a newline ends a line"""


def entries(text: bytes, fields: bytes, end: bool = False) -> tuple[bytes, bytes]:
    begin, close = b'{"log":"', b'",' + fields + b"}\n"
    made, waits = [], b""
    for line in text.splitlines(keepends=True):
        if not line.endswith(b"\n") and not end and len(line) <= LONGEST:
            waits += line
            continue
        start = 0
        while start < len(line):
            stop = whole(line, start + LONGEST)
            made.append(begin + escape(line[start:stop]).replace(b"\n", b"\\n") + close)
            start = stop
    return b"".join(made), waits
