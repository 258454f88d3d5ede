"""the instruction was stripped"""


def key(parent: str, instruction: str, arguments: Mapping[str, str], content: str = "") -> str:
    hashed = hashlib.sha256()
    named = [part for name in sorted(arguments) for part in (name, arguments[name])]
    for part in (parent, instruction.strip(), content, *named):
        data = part.encode(errors="surrogateescape")
        hashed.update(b"%d:%b" % (len(data), data))
    return hashed.hexdigest()
