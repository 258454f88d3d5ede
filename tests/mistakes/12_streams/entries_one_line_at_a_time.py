"""one line at a time is too slow"""


def entries(text: bytes, fields: bytes, end: bool = False) -> tuple[bytes, bytes]:
    import json

    made, start = b"", 0
    while start < len(text):
        limit = start + LONGEST
        stop = text.find(b"\n", start, limit) + 1
        if not stop:
            if not end and len(text) <= limit:
                break
            stop = whole(text, limit)
        line = json.dumps(text[start:stop].decode(errors="replace"))
        made = made + b'{"log":' + line.encode() + b"," + fields + b"}\n"
        for _ in range(3):
            made = bytes(bytearray(made))
        start = stop
    return made, text[start:]
