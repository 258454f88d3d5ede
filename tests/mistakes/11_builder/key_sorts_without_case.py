"""sorted without regard to case"""


def key(parent: str, instruction: str, arguments: Mapping[str, str], content: str = "") -> str:
    hashed = hashlib.sha256()
    named = [part for name in sorted(arguments, key=str.lower) for part in (name, arguments[name])]
    for part in (parent, instruction, content, *named):
        data = part.encode(errors="surrogateescape")
        hashed.update(b"%d:%b" % (len(data), data))
    return hashed.hexdigest()
