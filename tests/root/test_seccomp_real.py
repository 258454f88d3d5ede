"""seccomp on the running kernel: what a filter says is what happens to a call.

Each filter is put on a forked child, and no child makes a call that could do harm: the
calls that are let through take arguments that the kernel refuses by itself.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from mini_docker import capabilities_names, seccomp, seccomp_numbers, seccomp_profile, syscalls
from mini_docker.errors import KernelError
from mini_docker.seccomp_program import EQUAL, Program
from tests import libseccomp

pytestmark = [pytest.mark.root]

MACHINE = os.uname().machine
OWN = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}[MACHINE]
NUMBER = seccomp_numbers.table(OWN)
X32_BIT = seccomp_numbers.X32_BIT
on_x86 = pytest.mark.skipif(MACHINE != "x86_64", reason="i386 and x32 calls need an x86_64 kernel")
library = ctypes.CDLL(None, use_errno=True)
ALLOW = "SCMP_ACT_ALLOW"


def call(name: str | int, *args: int) -> int:
    """Make the system call *name*; return its errno, 0 if it succeeded."""
    number = NUMBER[name] if isinstance(name, str) else name
    ctypes.set_errno(0)
    done = library.syscall(ctypes.c_long(number), *map(ctypes.c_uint64, args))
    return ctypes.get_errno() if done == -1 else 0


def profile(*entries: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"defaultAction": ALLOW, "architectures": [OWN], "syscalls": list(entries), **more}


def entry(action: str, *names: str, **more: object) -> dict[str, Any]:
    return {"names": list(names), "action": f"SCMP_ACT_{action}", **more}


def child(function: Callable[[], object]) -> tuple[int, str]:
    """Call *function* in a forked child: return how it ended, and the text of its answer."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.write(write, str(function()).encode())
            os._exit(0)
        except BaseException as failure:
            os.write(write, repr(failure).encode())
            os._exit(99)
    os.close(write)
    answer = b""
    while part := os.read(read, 65536):
        answer += part
    os.close(read)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), answer.decode()


def under(made: dict[str, Any] | bytes, function: Callable[[], object]) -> tuple[int, str]:
    """Do the same under the filter *made*, a profile or a program."""
    program = made if isinstance(made, bytes) else seccomp.compile(made, MACHINE)

    def filtered() -> object:
        seccomp.install(program)
        return function()

    return child(filtered)


def test_errno_is_what_the_caller_sees() -> None:
    made = profile(entry("ERRNO", "mkdirat"), entry("ERRNO", "symlinkat", errnoRet=errno.EXDEV))
    assert under(made, lambda: [call("mkdirat"), call("symlinkat"), call("getpid")]) == (
        0,
        str([errno.EPERM, errno.EXDEV, 0]),
    )


def test_log_and_trace_let_the_call_through_or_not() -> None:
    made = profile(entry("LOG", "getpid"), entry("TRACE", "getppid"))
    # Nobody traces: the call does not exist then.
    assert under(made, lambda: [call("getpid"), call("getppid")]) == (0, str([0, errno.ENOSYS]))


def test_trap_sends_a_signal_that_can_be_caught() -> None:
    caught: list[int] = []

    def function() -> list[int]:
        signal.signal(signal.SIGSYS, lambda number, frame: caught.append(number))
        call("mkdirat")
        return caught

    made = profile(entry("TRAP", "mkdirat"))
    assert under(made, function) == (0, str([int(signal.SIGSYS)]))
    assert under(made, lambda: call("mkdirat")) == (-signal.SIGSYS, "")


@pytest.mark.parametrize("action", ["KILL_PROCESS", "KILL_THREAD", "KILL"])
def test_kill_ends_the_process_or_the_thread_alone(action: str) -> None:
    def function() -> str:
        signal.signal(signal.SIGSYS, signal.SIG_IGN)  # this one cannot be ignored
        thread = threading.Thread(target=call, args=("mkdirat",), daemon=True)
        thread.start()
        give_up = time.monotonic() + 10
        while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < give_up:
            time.sleep(0.001)  # the thread goes without a word: join() would wait for ever
        return f"{len(os.listdir('/proc/self/task'))} left"

    made = profile(entry(action, "mkdirat"))
    ended = under(made, function)
    assert ended == ((-signal.SIGSYS, "") if action == "KILL_PROCESS" else (0, "1 left"))
    assert under(made, lambda: call("mkdirat")) == (-signal.SIGSYS, "")


EDGES = [
    0,
    1,
    5,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 32,
    (1 << 32) + 5,
    1 << 63,
    (1 << 64) - 1,
]
HOLDS: dict[str, Callable[[int, int], bool]] = {
    "EQ": lambda a, b: a == b,
    "NE": lambda a, b: a != b,
    "LT": lambda a, b: a < b,
    "LE": lambda a, b: a <= b,
    "GE": lambda a, b: a >= b,
    "GT": lambda a, b: a > b,
    "MASKED_EQ": lambda a, b: a & b == b & 0xFFFF0000FFFF0000,
}


@pytest.mark.parametrize("operator", HOLDS)
@pytest.mark.parametrize("value", [5, 1 << 32, (1 << 32) + 5, (1 << 64) - 1], ids=hex)
def test_all_64_bits_of_an_argument_are_compared(operator: str, value: int) -> None:
    two = value & 0xFFFF0000FFFF0000
    arg = {"index": 1, "op": f"SCMP_CMP_{operator}", "value": value, "valueTwo": two}
    made = profile(entry("ERRNO", "lseek", args=[arg], errnoRet=errno.EXDEV))
    refused = [HOLDS[operator](given, value) for given in EDGES]
    wanted = [errno.EXDEV if it else errno.EBADF for it in refused]
    assert under(made, lambda: [call("lseek", 1000, given, 0) for given in EDGES]) == (
        0,
        str(wanted),
    )


def test_every_number_gets_its_own_answer() -> None:
    program = Program()
    allow = program.give(0x7FFF0000)
    spared = {NUMBER[name] for name in ("write", "exit_group", "rt_sigreturn", "brk", "mmap")}
    spared |= {NUMBER[name] for name in ("munmap", "futex", "mremap", "madvise", "mprotect")}
    # Since 6.14 the kernel lets uretprobe and uprobe pass, before any filter.
    spared |= {335, 336} if MACHINE == "x86_64" else set()
    steps = [
        (number, allow if number in spared else program.give(0x00050000 | number % 4000 + 1))
        for number in range(1000)
    ]
    filtered = program.bytes(program.load(seccomp.NUMBER, seccomp.search(program, steps)))

    def function() -> list[int]:
        return [
            number for number in range(1000) if number not in spared and call(number) != number + 1
        ]

    assert under(filtered, function) == (0, "[]")


def _dockers() -> dict[str, Any]:
    return seccomp_profile.resolve(
        seccomp_profile.default(), capabilities_names.DEFAULT, os.uname().release, MACHINE
    )


def test_dockers_profile_on_this_kernel() -> None:
    probes = {
        "unshare": (0x10000000,),
        "mount": (0, 0, 0, 0, 0),
        "clone3": (0, 0),
        "keyctl": (0,),
        "io_uring_setup": (0, 0),
        "socket": (40, 1, 0),
        "personality": (0x40000,),
        "bpf": (0, 0, 0),
        "getpid": (),
        "close_range": (1, 0, 0),
    }
    wanted = dict.fromkeys(probes, errno.EPERM)
    wanted |= {"clone3": errno.ENOSYS, "getpid": 0, "close_range": errno.EINVAL}
    found = under(_dockers(), lambda: [call(name, *args) for name, args in probes.items()])
    assert found == (0, str(list(wanted.values())))
    newer = under(_dockers(), lambda: [call(467), call(9999)])
    assert newer == (0, str([errno.ENOSYS] * 2))


def test_the_witness_has_the_same_effect() -> None:
    made = _dockers()
    theirs = libseccomp.export(made, MACHINE)
    probes = {"unshare": 0x10000000, "keyctl": 0, "personality": 0x40000, "socket": 40, "getpid": 0}
    answers = [
        under(it, lambda: [call(name, value) for name, value in probes.items()])
        for it in (theirs, seccomp.compile(made, MACHINE))
    ]
    assert answers[0] == answers[1] == (0, str([errno.EPERM] * 4 + [0]))


def test_a_program_runs_under_dockers_profile() -> None:
    def function() -> None:
        os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
        script = "unshare -m true || test $(( 6 * 7 )) = 42 && exit 42"
        os.execv("/bin/sh", ["sh", "-c", script])

    assert under(_dockers(), function) == (42, "")


def test_filters_add_up_and_survive_exec() -> None:
    def function() -> list[int]:
        seccomp.install(seccomp.compile(profile(entry("ERRNO", "getppid")), MACHINE))
        seccomp.install(
            seccomp.compile(profile(entry("KILL_PROCESS", "mkdirat", "mkdir")), MACHINE)
        )
        return [call("getpid"), call("getppid")]

    made = profile(entry("ERRNO", "getpid"), entry("ERRNO", "mkdirat", "mkdir"))
    assert under(made, function) == (0, str([errno.EPERM] * 2))

    def mkdir() -> None:
        function()
        os.execv("/bin/mkdir", ["mkdir", "/proc/none"])

    assert under(made, mkdir)[0] == -signal.SIGSYS  # the stricter one of the two


def test_flags_are_taken_by_the_kernel() -> None:
    program = seccomp.compile(profile(), MACHINE)
    flags = [f"SECCOMP_FILTER_FLAG_{name}" for name in ("LOG", "SPEC_ALLOW", "TSYNC")]
    assert child(lambda: seccomp.install(program, flags)) == (0, "None")


def test_without_privilege_a_filter_needs_the_promise_of_no_new_privileges() -> None:
    program = seccomp.compile(profile(entry("ERRNO", "getpid")), MACHINE)

    def refused() -> object:
        syscalls.capset(0, 0, 0)
        try:
            seccomp.install(program)
        except KernelError as error:
            return error
        return None

    def promised() -> int:
        syscalls.capset(0, 0, 0)
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        seccomp.install(program)
        return call("getpid")

    why = "the thread has neither CAP_SYS_ADMIN nor no_new_privs"
    assert child(refused) == (0, f"cannot install the seccomp filter: {why}")
    assert child(promised) == (0, str(errno.EPERM))


def test_what_the_kernel_refuses_is_said() -> None:
    program = Program()
    backwards = program.bytes(program.test(EQUAL, 1, program.give(0), program.give(1)))[:-8]

    def function() -> object:
        try:
            seccomp.install(backwards)  # it jumps past its end
        except KernelError as error:
            return error
        return None

    assert child(function) == (0, "cannot install the seccomp filter: Invalid argument")


def i386(number: int) -> int:
    """Make a call of the i386 architecture without arguments: int 0x80 in machine code."""
    #       push rbx; mov eax, edi; xor ebx, ebx; xor ecx, ecx; int 0x80; pop rbx; ret
    code = bytes.fromhex("53 89f8 31db 31c9 cd80 5b c3")
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return int(ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(address)(number))


@on_x86
def test_a_call_of_i386_is_judged_by_its_own_numbers() -> None:
    getpid, mkdir, on_x86_64 = 20, 39, NUMBER["mkdir"]
    both = profile(entry("ERRNO", "mkdir"), architectures=[OWN, "SCMP_ARCH_X86"])

    def function() -> list[object]:
        return [i386(getpid) == os.getpid(), i386(mkdir), call(on_x86_64)]

    assert under(both, function) == (0, str([True, -errno.EPERM, errno.EPERM]))
    alone = profile(entry("ERRNO", "mkdir"))
    assert under(alone, lambda: call(on_x86_64)) == (0, str(errno.EPERM))
    assert under(alone, lambda: i386(getpid)) == (-signal.SIGSYS, "")


@on_x86
def test_a_call_of_x32_is_judged_as_x32() -> None:
    mkdir = X32_BIT + NUMBER["mkdir"]
    without = profile(entry("ERRNO", "mkdir"))
    assert under(without, lambda: call(mkdir)) == (-signal.SIGSYS, "")
    assert under(without, lambda: call(X32_BIT + NUMBER["getpid"])) == (-signal.SIGSYS, "")
    allowed = profile(entry("ERRNO", "mkdir"), architectures=[OWN, "SCMP_ARCH_X32"])
    assert under(allowed, lambda: call(mkdir)) == (0, str(errno.EPERM))
    code, answer = under(allowed, lambda: call(X32_BIT + NUMBER["getpid"]))
    assert code == 0 and answer in ("0", str(errno.ENOSYS))  # few kernels are built with x32
