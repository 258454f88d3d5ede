"""the build arguments do not count"""


def key(parent: str, instruction: str, arguments: Mapping[str, str], content: str = "") -> str:
    hashed = hashlib.sha256()
    for part in (parent, instruction, content):
        data = part.encode(errors="surrogateescape")
        hashed.update(b"%d:%b" % (len(data), data))
    return hashed.hexdigest()
