"""Images: what their names mean, what their config makes of a command line, what their ids are.

An image is a chain of documents, each named by the SHA-256 of its bytes:

    reference  ->  index.json  ->  manifest  ->  config     what to run, and the diff ids
                                            ->  layers     what to run it in

    diff id     the digest of a layer's tar, before it was compressed
    chain id    the digest of a diff id and all below it: a layer at its place in a stack
    image id    the digest of the config, which holds all diff ids: it stands for the whole

One bit changed anywhere changes the names of all that leads there. The store beside this
(image_store.py) keeps the documents; here is what they mean. Lab 9 asks for this module,
chapters/09-images.md tells how to write it.

OCI image specification: config.md, "Layer DiffID", "Layer ChainID", "ImageID".
The grammar of references: github.com/distribution/reference, reference.go.
"""

from __future__ import annotations

from mini_docker import image_store, image_streams, images_grammar
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, BinaryIO

DOMAIN = "docker.io"  # where a name without a host belongs
ALGORITHMS = ("sha256", "sha512")  # of a digest in a reference
PIECE = 2**20  # bytes to read at a time


class Reference:
    """A name for an image: DOMAIN/PATH, with a TAG or a DIGEST or both or neither ("")."""

    __slots__ = ("digest", "domain", "path", "tag")

    def __init__(self, domain: str, path: str, tag: str = "", digest: str = "") -> None:
        self.domain = domain  # "docker.io", "localhost:5000"
        self.path = path  # "library/busybox"
        self.tag = tag  # "latest"
        self.digest = digest  # "sha256:..."

    def __str__(self) -> str:
        return f"{self.domain}/{self.path}{self._rest()}"

    def full(self) -> str:
        """Return the whole name, "docker.io/library/busybox:latest": the store has this one."""
        return str(self) if self.tag or self.digest else f"{self}:latest"

    def repository(self) -> str:
        """Return the name without tag and digest, as short as Docker shows it: "busybox"."""
        if self.domain != DOMAIN:
            return f"{self.domain}/{self.path}"
        official = self.path.startswith("library/") and self.path.count("/") == 1
        return self.path.removeprefix("library/") if official else self.path

    def familiar(self) -> str:
        """Return the name as short as Docker shows it, "busybox:1.36"; no tag is added."""
        return self.repository() + self._rest()

    def _rest(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def split_domain(text: str) -> tuple[str, str]:
    """Return the domain of the name *text*, and the rest of it, with Docker's defaults.

    What stands before the first "/" is a domain only if it is "localhost", or has a ".", a
    ":" or a capital letter in it. Any other name belongs to docker.io, whole;
    index.docker.io is docker.io by an older name. There, a rest without a "/" is the name
    of an official image: library/ goes before it.

    >>> split_domain("busybox"), split_domain("me/tool:1.9"), split_domain("localhost/tool")
    (('docker.io', 'library/busybox'), ('docker.io', 'me/tool:1.9'), ('localhost', 'tool'))
    """
    domain, slash, rest = text.partition("/")
    host = domain == "localhost" or "." in domain or ":" in domain or domain != domain.lower()
    if not slash or not host:
        domain, rest = DOMAIN, text
    if domain == f"index.{DOMAIN}":
        domain = DOMAIN
    if domain == DOMAIN and "/" not in rest:
        rest = f"library/{rest}"
    return domain, rest


def parse(text: str, algorithms: Sequence[str] = ALGORITHMS) -> Reference:
    """Return what the name *text*, [DOMAIN/]PATH[:TAG][@DIGEST], means; no tag is added.

    split_domain() finds the DOMAIN. In what it leaves, the DIGEST stands behind the first
    "@" and the TAG behind the first ":" before that. Each part has its rule in
    images_grammar: is_domain, is_path, is_tag, is_digest.

    Raises UsageError in Docker's words, for the first of these that is so: *text*, as a
    whole, is 64 hexadecimal digits without capitals, which could be an id ("invalid repository
    name (TEXT), cannot specify 64-byte hexadecimal strings"); there is a capital letter before
    the first ":" behind the domain ("invalid reference format: repository name (THAT) must be
    lowercase", where THAT, with any "@", is what stands before this ":"); a part breaks its
    rule, or is empty behind its ":" or "@" ("invalid reference format"); PATH has
    more than 255 characters ("repository name must not be more than 255 characters"); and
    last, images_grammar.check_digest refuses a DIGEST that is not of one of *algorithms*.
    """
    raise NotImplementedError("lab 9, task 1: write parse")


def merge(image: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Return the config of a container: what was *asked* for over what the *image* says.

    Both have the fields of an OCI image's config; one that is missing, None or empty says
    nothing. Each field, known to you or not, is the asked one, or else the image's, except:

    - Labels, Volumes, ExposedPorts, Healthcheck are objects: both, and of a key that both have
      the asked value. A value of the asked Healthcheck that is 0 or empty says nothing.
    - Env: the asked variables as they are, then the image's that have other names. A variable
      is NAME=VALUE, or NAME alone, which takes it away: the start of a container sees to that.
    - An asked Entrypoint comes without the image's Cmd, which are arguments for another
      program. [""] asks for no Entrypoint at all. Both are lists in the answer, or None.

          image's Entrypoint and Cmd    asked                  the container's
          -             ["sh"]          -                      -             ["sh"]
          -             ["sh"]          Cmd ["ls"]             -             ["ls"]
          ["git"]       ["help"]        -                      ["git"]       ["help"]
          ["git"]       ["help"]        Cmd ["log"]            ["git"]       ["log"]
          ["git"]       ["help"]        Entrypoint ["sh"]      ["sh"]        -
          ["git"]       ["help"]        ["sh"] and Cmd ["-c"]  ["sh"]        ["-c"]
          ["git"]       ["help"]        [""] and Cmd ["ls"]    -             ["ls"]

    *image* and *asked* stay as they are. Source: docs.docker.com, "CMD and ENTRYPOINT interact".
    """
    raise NotImplementedError("lab 9, task 2: write merge")


def diff_id(blob: BinaryIO) -> str:
    """Return the diff id of the layer in *blob*: "sha256:" and the digest of its tar.

    The blob is compressed or is not; image_streams.decompressed(blob) has a read(size)
    that gives the tar either way. It may give less than *size*, and b"" is the end. A layer
    can be larger than the memory: read PIECE bytes at a time, and keep none. Two blobs,
    compressed by different programs, have one diff id if their tars are the same byte for byte.
    """
    raise NotImplementedError("lab 9, task 3: write diff_id")


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    """Return the chain id of each layer in a stack, whose *diff_ids* come lowest first.

    The lowest layer's chain id is its diff id. Each other one is the digest of "CHAIN DIFF",
    with CHAIN the chain id of the layer below, DIFF its own diff id, and one blank between;
    image_store.digest(data) returns the digest of bytes.
    So a chain id names a layer with all that it lies upon, and two images share what
    their stacks have in common, counted from below.
    """
    raise NotImplementedError("lab 9, task 4: write chain_ids")
