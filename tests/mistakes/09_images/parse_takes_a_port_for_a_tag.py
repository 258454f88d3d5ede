"""the port was taken for a tag"""


def parse(text: str, algorithms: Sequence[str] = ALGORITHMS) -> Reference:
    if len(text) == 64 and images_grammar.HEX.issuperset(text):
        raise UsageError(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        )
    text, at, digest = text.partition("@")
    text, colon, tag = text.partition(":")
    domain, path = split_domain(text)
    if path != path.lower():
        raise UsageError(f"invalid reference format: repository name ({path}) must be lowercase")
    good = images_grammar.is_domain(domain) and images_grammar.is_path(path)
    if not good or (at and not images_grammar.is_digest(digest)):
        raise UsageError("invalid reference format")
    if at:
        images_grammar.check_digest(digest, algorithms)
    return Reference(domain, path, tag, digest)
