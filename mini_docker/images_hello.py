"""The image hello-world: FROM scratch, one program of a few hundred bytes, and nothing else.

No shell, no libraries, no /etc: what an image needs is what its program needs, and this one
asks the kernel to write a text and to end. The kernel is the host's, as in every container.

ELF: elf(5). write(2), exit(2), syscall(2).
"""

from __future__ import annotations

import os
import struct

from mini_docker import image_make
from mini_docker.errors import ConfigError

TEXT = b"""
Hello from a container!

This text comes from a program of less than a kilobyte, and that program is the whole image:
no shell, no libraries, no other files. These steps have brought it to your terminal:

 1. mini-docker found the name hello-world in the index of its store, and by the digests
    in there a manifest, a config and one layer.
 2. It mounted that layer as a root of its own, with an empty directory above it to write to.
 3. It started the program that the config names, in namespaces and a control group of its own.
 4. The program asked the kernel, the one that your machine runs, to write this.

To look around in a larger image:

    mini-docker image bootstrap busybox
    mini-docker run --rm busybox ls -l /

"""

# x86_64
#         .intel_syntax noprefix
#         mov   eax, 1
#         mov   edi, 1
#         lea   rsi, [rip+text]
#         mov   edx, [rip+size]
#         syscall
#         mov   eax, 60
#         xor   edi, edi
#         syscall
#         .balign 8, 0xcc
#     size:
#         .quad 0
#     text:
# aarch64
#         mov   x0, 1
#         adr   x1, text
#         ldr   w2, size
#         mov   x8, 64
#         svc   0
#         mov   x0, 0
#         mov   x8, 93
#         svc   0
#         .balign 8
#     size:
#         .quad 0
#     text:
# end
_CODE = {  # the machine's name: its number in an ELF header, its instructions
    "x86_64": (62, bytes.fromhex(
    "b801000000bf01000000488d351f0000008b15110000000f05b83c00000031ff0f05cccc"
    "cccccccc0000000000000000"
    )),
    "aarch64": (183, bytes.fromhex(
    "200080d221010010c2000018080880d2010000d4000080d2a80b80d2010000d400000000"
    "00000000"
    )),
}  # fmt: skip
DATE = 1_767_225_600.0  # 2026-01-01: the image depends on nothing that this machine has
_BASE = 0x400000  # where the program lies in memory
_HEADERS = 64 + 56  # bytes: an ELF header and one program header


def program(machine: str = "") -> bytes:
    """Return an ELF file that writes TEXT to its standard output and ends with 0."""
    try:
        number, code = _CODE[machine or os.uname().machine]
    except KeyError:
        raise ConfigError(f"there is no hello-world for {os.uname().machine}") from None
    body = code[:-8] + struct.pack("<Q", len(TEXT)) + TEXT
    size = _HEADERS + len(body)
    ident = b"\x7fELF\2\1\1" + bytes(9)  # 64 bits, little end first, version 1
    # An executable file for one machine; its entry; one program header at byte 64.
    header = struct.pack(
        "<HHIQQQIHHHHHH", 2, number, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    # Load all of it at _BASE, to be read and executed.
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x10000)
    return ident + header + segment + body


def recipe() -> image_make.Recipe:
    """Return how to make hello-world:latest."""
    note = "mini-docker image bootstrap hello-world  # FROM scratch"
    config = {"Env": [image_make.PATH], "Cmd": ["/hello"]}
    return image_make.Recipe(["docker.io/library/hello-world:latest"], config, fill, note)


def fill(root: str) -> float:
    """Put the program into the directory *root* as /hello; return the image's date."""
    with open(f"{root}/hello", "wb") as file:
        file.write(program())
    os.chmod(f"{root}/hello", 0o755)
    return DATE
