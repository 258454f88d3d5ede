"""another rule was looked at first: 'unsupported digest"""


def parse(text: str, algorithms: Sequence[str] = ALGORITHMS) -> Reference:
    if len(text) == 64 and images_grammar.HEX.issuperset(text):
        why = "cannot specify 64-byte hexadecimal strings"
        raise UsageError(f"invalid repository name ({text}), {why}")
    domain, rest = split_domain(text)
    name = rest.partition(":")[0]
    if name != name.lower():
        raise UsageError(f"invalid reference format: repository name ({name}) must be lowercase")
    rest, at, digest = rest.partition("@")
    path, colon, tag = rest.partition(":")
    good = images_grammar.is_domain(domain) and images_grammar.is_path(path)
    good = good and (not colon or images_grammar.is_tag(tag))
    if not good or (at and not images_grammar.is_digest(digest)):
        raise UsageError("invalid reference format")
    if at:
        images_grammar.check_digest(digest, algorithms)
    if len(path) > 255:
        raise UsageError("repository name must not be more than 255 characters")
    return Reference(domain, path, tag, digest)
