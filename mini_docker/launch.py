"""The last step into a container: its program replaces ours, by way of one that is nobody's.

A program that Linux executes stays open behind /proc/PID/exe. Our child is Python, a file
of the host; a container whose program is a script with the first line ``#!/proc/self/exe``
would run that file, open it, and wait until it can be overwritten: the next command on the
host is then the container's (CVE-2019-5736). So the child first becomes a program of some
hundred bytes that lives in memory only, and that one becomes the container's. Whoever
overwrites it overwrites nothing.

It holds the path to execute and, for each errno with which execve can fail, what to write
to the report (processes.spawn): when it fails, nothing of Python is left to find the words.

ELF: elf(5). memfd_create(2), execveat(2).
"""

from __future__ import annotations

import os
import stat
import struct

from mini_docker.errors import CommandNotExecutable, KernelError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

# The program: let the report close on success, execute the path with our own arguments and
# environment, which the kernel has left on the stack; after a failure write the words for
# its errno and exit with their code. tests/unit/test_launch.py assembles these lines.
#
# x86_64
#         .intel_syntax noprefix
#     _start:
#         lea   rbx, [rip+data]
#         mov   rdi, [rbx+8]
#         mov   esi, 2
#         mov   edx, 1
#         mov   eax, 72
#         syscall
#         test  eax, eax
#         js    failed
#         mov   rdi, [rbx]
#         lea   rsi, [rsp+8]
#         mov   rdx, [rsp]
#         lea   rdx, [rsp+rdx*8+16]
#         mov   eax, 59
#         syscall
#     failed:
#         neg   eax
#         cmp   eax, 95
#         jbe   known
#         xor   eax, eax
#     known:
#         shl   eax, 4
#         lea   r12, [rbx+rax+16]
#         mov   rdi, [rbx+8]
#         mov   rsi, [r12]
#         mov   edx, [r12+8]
#         mov   eax, 1
#         syscall
#         mov   edi, [r12+12]
#         mov   eax, 231
#         syscall
#         .balign 8, 0xcc
#     data:
# aarch64
#     _start:
#         adr   x19, data
#         ldr   x0, [x19, 8]
#         mov   x1, 2
#         mov   x2, 1
#         mov   x8, 25
#         svc   0
#         tbnz  x0, 63, failed
#         ldr   x0, [x19]
#         add   x1, sp, 8
#         ldr   x2, [sp]
#         add   x2, x1, x2, lsl 3
#         add   x2, x2, 8
#         mov   x8, 221
#         svc   0
#     failed:
#         neg   x0, x0
#         cmp   x0, 95
#         csel  x0, x0, xzr, ls
#         add   x20, x19, x0, lsl 4
#         ldr   x0, [x19, 8]
#         ldr   x1, [x20, 16]
#         ldr   w2, [x20, 24]
#         mov   x8, 64
#         svc   0
#         ldr   w0, [x20, 28]
#         mov   x8, 94
#         svc   0
#         .balign 8
#     data:
# end
_CODE = {  # the machine's name: its number in an ELF header, its instructions
    "x86_64": (62, bytes.fromhex(
    "488d1d69000000488b7b08be02000000ba01000000b8480000000f0585c07818488b3b48"
    "8d742408488b1424488d54d410b83b0000000f05f7d883f85f760231c0c1e0044c8d6403"
    "10488b7b08498b3424418b542408b8010000000f05418b7c240cb8e70000000f05cccccc"
    "cccccccc"
    )),
    "aarch64": (183, bytes.fromhex(
    "53030010600640f9410080d2220080d2280380d2010000d40001f8b7600240f9e1230091"
    "e20340f9220c028b42200091a81b80d2010000d4e00300cb1f7c01f100909f9a7412008b"
    "600640f9810a40f9821a40b9080880d2010000d4801e40b9c80b80d2010000d4"
    )),
}  # fmt: skip

_BASE = 0x400000  # where the program lies in memory
_HEADERS = 64 + 56  # bytes: an ELF header and one program header
_ERRNOS = 96  # the table's rows; row 0 is for an errno beyond them
_NAME = 1024  # characters of a command's name in a message
_ABSENT = (2, 20)  # ENOENT, ENOTDIR: there is no such command


def guard(report: int, last: Callable[[], None]) -> None:
    """From now on let os.execve of this process go by way of the program above.

    *report* is the writing end that closes when the container's program runs. *last* is
    called when a file is found that can be executed, as the last thing that Python does.
    """
    execve = os.execve

    def through(path: str, argv: list[str], environment: Mapping[str, str]) -> NoReturn:
        _demand_executable(path)
        try:
            # Not sealed, on purpose: what it is overwritten with harms the overwriter alone.
            program = os.memfd_create("launch", os.MFD_CLOEXEC)
            os.write(program, image(path, argv[0], report))
        except OSError as error:
            why = f"{reason(error)} (is vm.memfd_noexec set?)"
            raise KernelError(f"cannot make the program that starts the command: {why}") from error
        os.set_inheritable(report, True)
        last()
        _replace(execve, program, argv, environment)

    setattr(os, "execve", through)  # noqa: B010  whatever the caller's way to exec is


def image(path: str, name: str, report: int, machine: str = "") -> bytes:
    """Return the program, an ELF file, that executes *path* or says in *report* why not.

    *name* is what the words of a failure call the command.
    """
    try:
        number, code = _CODE[machine or os.uname().machine]
    except KeyError:
        raise KernelError(f"cannot start programs on {os.uname().machine}") from None
    table = _HEADERS + len(code) + 16
    texts = [_words(name[:_NAME], errno) for errno in range(_ERRNOS)]
    position = table + 16 * _ERRNOS
    rows = []
    for errno, text in enumerate(texts):
        rows += [_BASE + position, len(text) | (127 if errno in _ABSENT else 126) << 32]
        position += len(text)
    data = struct.pack(f"<{2 + len(rows)}Q", _BASE + position, report, *rows)
    body = b"".join((code, data, *texts, os.fsencode(path), b"\0"))
    size = _HEADERS + len(body)
    ident = b"\x7fELF\2\1\1" + bytes(9)  # 64 bits, little end first, version 1
    # An executable file for one machine; its entry; one program header at byte 64.
    header = struct.pack(
        "<HHIQQQIHHHHHH", 2, number, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    # Load all of it at _BASE, to be read and executed.
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x10000)
    return ident + header + segment + body


def _words(name: str, errno: int) -> bytes:
    """Return the report for a failed exec, as processes.fail() writes it."""
    absent = errno in _ABSENT
    why = os.strerror(errno).lower() if errno else "the kernel refused"
    return os.fsencode(f'{127 if absent else 126} exec: "{name}": {why}'.replace("\n", " "))


def _demand_executable(path: str) -> None:
    """Raise the OSError with which execve would refuse *path*, as far as one can tell before.

    Only the errors that make a search along PATH go on matter here. What changes between
    this look and the exec is reported by the program itself.
    """
    if not stat.S_ISREG(os.stat(path).st_mode) or not os.access(path, os.X_OK, effective_ids=True):
        raise PermissionError(13, os.strerror(13), path)


def _replace(
    execve: Callable[..., Any], program: int, argv: list[str], environment: Mapping[str, str]
) -> NoReturn:
    try:
        execve(program, argv, environment)
    except OSError as error:
        name = f'exec: "{argv[0]}"'
        raise CommandNotExecutable(f"{name}: {reason(error).lower()}") from error
    raise AssertionError("execve returned")
