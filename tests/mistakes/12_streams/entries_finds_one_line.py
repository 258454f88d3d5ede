"""one line at a time is too slow"""


def entries(text: bytes, fields: bytes, end: bool = False) -> tuple[bytes, bytes]:
    begin, close = b'{"log":"', b'",' + fields + b"}\n"
    made, start = [], 0
    while start < len(text):
        limit = start + LONGEST
        stop = text.find(b"\n", start, limit) + 1
        if stop:
            between = b"\\n" + close + begin
            made.append(begin + escape(text[start:stop]).replace(b"\n", between)[: -len(begin)])
        elif end or len(text) > limit:
            stop = whole(text, limit)
            made.append(begin + escape(text[start:stop]) + close)
        else:
            break
        start = stop
    return b"".join(made), text[start:]
