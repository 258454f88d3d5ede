"""an argument whose value is empty was left out"""


def key(parent: str, instruction: str, arguments: Mapping[str, str], content: str = "") -> str:
    hashed = hashlib.sha256()
    named = [
        part for name in sorted(arguments) for part in (name, arguments[name]) if arguments[name]
    ]
    for part in (parent, instruction, content, *named):
        data = part.encode(errors="surrogateescape")
        hashed.update(b"%d:%b" % (len(data), data))
    return hashed.hexdigest()
