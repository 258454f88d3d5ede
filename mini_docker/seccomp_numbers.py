"""The numbers of system calls, for the architectures of our two machines.

Each architecture's are in a file of their own, seccomp_numbers_x86_64.py and so on, as a
text; a table is made of it when somebody asks. The facts are those of the kernel's
unistd.h and of libseccomp's syscalls.csv, and the tests compare them.
"""

from __future__ import annotations

X32_BIT = 0x40000000

_FILES = {
    "SCMP_ARCH_X86_64": "x86_64",
    "SCMP_ARCH_X86": "i386",
    "SCMP_ARCH_X32": "x32",
    "SCMP_ARCH_AARCH64": "aarch64",
    "SCMP_ARCH_ARM": "arm",
}
# Calls of other architectures: a profile may name them, and here they are no call at all.
_ELSEWHERE = (
    "cachectl multiplexer riscv_flush_icache riscv_hwprobe rtas s390_guarded_storage "
    "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr s390_sthyi spu_create spu_run "
    "subpage_prot swapcontext switch_endian sys_debug_setcontext syscall sysmips timerfd"
)
# On i386 these are also reached through socketcall(2) and ipc(2), whose first argument says
# which one is meant. <linux/net.h>, <linux/ipc.h>
_SOCKETCALL = (
    "socket bind connect listen accept getsockname getpeername socketpair send recv sendto "
    "recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg"
)
_IPC = {
    "semop": 1,
    "semget": 2,
    "semctl": 3,
    "semtimedop": 4,
    "msgsnd": 11,
    "msgrcv": 12,
    "msgget": 13,
    "msgctl": 14,
    "shmat": 21,
    "shmdt": 22,
    "shmget": 23,
    "shmctl": 24,
}
MULTIPLEXED = {name: ("socketcall", n) for n, name in enumerate(_SOCKETCALL.split(), start=1)}
MULTIPLEXED.update((name, ("ipc", which)) for name, which in _IPC.items())

_tables: dict[str, dict[str, int]] = {}


def table(architecture: str) -> dict[str, int]:
    """Return the number of each call of *architecture*, such as "SCMP_ARCH_X86_64"."""
    if architecture not in _tables:
        file = f"mini_docker.seccomp_numbers_{_FILES[architecture]}"
        text: str = __import__(file, fromlist=["NUMBERS"]).NUMBERS
        number = 0
        numbers: dict[str, int] = {}
        base = X32_BIT if architecture == "SCMP_ARCH_X32" else 0
        for word in text.split():
            if word.isdecimal():
                number = int(word)
            else:
                numbers[word] = base + number
                number += 1
        _tables[architecture] = numbers
    return _tables[architecture]


def known() -> set[str]:
    """Return the names of all system calls, of these and of other architectures."""
    names = set(_ELSEWHERE.split()).union(MULTIPLEXED)
    for architecture in _FILES:
        names.update(table(architecture))
    return names
