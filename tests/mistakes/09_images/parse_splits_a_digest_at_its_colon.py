"""the colon inside of the digest was taken for the tag's"""


def parse(text: str, algorithms: Sequence[str] = ALGORITHMS) -> Reference:
    domain, rest = split_domain(text)
    path, colon, tag = rest.partition(":")
    tag, at, digest = tag.partition("@")
    return Reference(domain, path, tag, digest)
