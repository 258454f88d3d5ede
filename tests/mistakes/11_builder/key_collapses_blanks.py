"""blanks were put together"""


def key(parent: str, instruction: str, arguments: Mapping[str, str], content: str = "") -> str:
    hashed = hashlib.sha256()
    named = [part for name in sorted(arguments) for part in (name, arguments[name])]
    for part in (parent, " ".join(instruction.split()), content, *named):
        data = part.encode(errors="surrogateescape")
        hashed.update(b"%d:%b" % (len(data), data))
    return hashed.hexdigest()
