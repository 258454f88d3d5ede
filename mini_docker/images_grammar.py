"""The parts of an image's name: what each may be written with.

The rules are those of github.com/distribution/reference (regexp.go), told without regular
expressions, whose import would cost a tenth of a container's start.
"""

from __future__ import annotations

from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

DIGITS = frozenset("0123456789")
LOWER = frozenset("abcdefghijklmnopqrstuvwxyz") | DIGITS
LETTERS = LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
HEX = DIGITS | frozenset("abcdef")
ANY_HEX = HEX | frozenset("ABCDEF")
ALGORITHMS = {"sha256": 64, "sha384": 96, "sha512": 128}  # of a digest: how many digits it has


def is_domain(text: str) -> bool:
    """Say whether *text* is HOST or HOST:PORT; an IPv6 address stands in brackets.

    The words of a HOST, between dots, are letters, digits, and inner hyphens.
    """
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        if not address or not (ANY_HEX | {":"}).issuperset(address):
            return False
        return not port or (port[0] == ":" and _only(DIGITS, port[1:]))
    host, colon, port = text.partition(":")
    if colon and not _only(DIGITS, port):
        return False
    return all(_only(LETTERS | {"-"}, word) and word.strip("-") == word for word in host.split("."))


def is_path(text: str) -> bool:
    """Say whether *text* is words of lower-case letters and digits, parted by slashes.

    Within a word one ".", one or two "_", or any number of "-" may stand between two letters
    or digits.
    """
    return all(_is_word(word) for word in text.split("/"))


def is_tag(text: str) -> bool:
    """Say whether *text* is a letter, a digit or "_", and then up to 127 of these, "." and "-"."""
    good = (LETTERS | {"_", ".", "-"}).issuperset(text)
    return good and 0 < len(text) <= 128 and text[0] not in ".-"


def is_digest(text: str) -> bool:
    """Say whether *text* is ALGORITHM:HEX with 32 digits or more."""
    algorithm, _, digits = text.partition(":")
    for mark in "-_+":
        algorithm = algorithm.replace(mark, ".")
    words = algorithm.split(".")
    good = all(_only(LETTERS, word) and word[0] not in DIGITS for word in words)
    return good and len(digits) >= 32 and ANY_HEX.issuperset(digits)


def check_digest(text: str, algorithms: Sequence[str]) -> None:
    """Refuse the digest *text* unless its algorithm is known and its digits are what it makes."""
    algorithm, _, digits = text.partition(":")
    if algorithm not in algorithms:
        raise UsageError("unsupported digest algorithm")
    if len(digits) != ALGORITHMS[algorithm]:
        raise UsageError("invalid checksum digest length")
    if not HEX.issuperset(digits):
        raise UsageError("invalid checksum digest format")


def _only(letters: frozenset[str], text: str) -> bool:
    return bool(text) and letters.issuperset(text)


def _is_word(text: str) -> bool:
    """Say whether no two separators stand side by side in *text*, and none at its ends."""
    text = text.replace("__", "_").replace("_", ".")
    runs = [run for run in text.split("-") if run]  # what any number of hyphens parts
    whole = text[:1] != "-" and text[-1:] != "-"
    words = [word for run in runs for word in run.split(".")]
    return whole and bool(words) and all(_only(LOWER, word) for word in words)
