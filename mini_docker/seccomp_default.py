"""Docker's default seccomp profile: which system calls a container may make.

The facts are those of Docker Engine 28.5 (github.com/moby/profiles/seccomp, v0.1.0), the
arrangement is ours. Everything that is not listed fails with EPERM, and what is newer
than all of it with ENOSYS. A container with a capability also gets the calls which that
capability is about: the kernel asks for it anyway.

profile() puts it into the form that --security-opt seccomp=FILE reads.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RELEASE = "28.5"

_EVERYBODY = """
open openat openat2 creat close close_range dup dup2 dup3 fcntl fcntl64 flock ioctl pipe pipe2
read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek
readahead fadvise64 fadvise64_64 fallocate truncate truncate64 ftruncate ftruncate64
sync syncfs fsync fdatasync sync_file_range copy_file_range sendfile sendfile64 splice tee vmsplice
stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs
fstatfs64 access faccessat faccessat2 chmod fchmod fchmodat fchmodat2 umask
chown chown32 fchown fchown32 lchown lchown32 fchownat utime utimes futimesat utimensat
utimensat_time64 link linkat symlink symlinkat readlink readlinkat rename renameat renameat2
unlink unlinkat mkdir mkdirat rmdir mknod mknodat chdir fchdir getcwd getdents getdents64
getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr
llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat
name_to_handle_at statmount listmount cachestat inotify_init inotify_init1 inotify_add_watch
inotify_rm_watch fanotify_mark landlock_create_ruleset landlock_add_rule landlock_restrict_self

select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1
epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2
io_setup io_submit io_getevents io_pgetevents io_pgetevents_time64 io_cancel io_destroy

socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt
setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64 socketcall

brk mmap mmap2 munmap mremap mprotect msync madvise mincore mlock mlock2 mlockall munlock
munlockall mseal membarrier memfd_create memfd_secret map_shadow_stack remap_file_pages
pkey_alloc pkey_free pkey_mprotect

fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid
getpgrp setpgid getsid setsid pidfd_open pidfd_send_signal process_mrelease prctl getrusage
getrlimit setrlimit ugetrlimit prlimit64 getpriority setpriority ioprio_get ioprio_set getcpu
set_tid_address set_thread_area get_thread_area set_robust_list get_robust_list rseq seccomp
uretprobe riscv_hwprobe restart_syscall uname sysinfo getrandom
futex futex_time64 futex_wait futex_waitv futex_wake futex_requeue
sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam
sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max
sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64

kill tkill tgkill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask
sigreturn signalfd signalfd4

alarm getitimer setitimer time times gettimeofday nanosleep adjtimex clock_adjtime
clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
clock_nanosleep_time64 timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
timerfd_settime64

getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32
getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32
setregid setregid32 setresuid setresuid32 setresgid setresgid32 setgroups setgroups32 setfsuid
setfsuid32 setfsgid setfsgid32 capget capset

ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl
shmdt shmget mq_open mq_unlink mq_notify mq_getsetattr mq_timedreceive mq_timedreceive_time64
mq_timedsend mq_timedsend_time64
"""

_BY_CAPABILITY = {
    "CAP_DAC_READ_SEARCH": "open_by_handle_at",
    "CAP_SYS_ADMIN": """
        bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie
        lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount
        open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog
        umount umount2 unshare""",
    "CAP_SYS_BOOT": "reboot",
    "CAP_SYS_CHROOT": "chroot",
    "CAP_SYS_MODULE": "init_module finit_module delete_module",
    "CAP_SYS_PACCT": "acct",
    "CAP_SYS_PTRACE": """
        kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace""",
    "CAP_SYS_RAWIO": "iopl ioperm",
    "CAP_SYS_TIME": "settimeofday stime clock_settime clock_settime64",
    "CAP_SYS_TTY_CONFIG": "vhangup",
    "CAP_SYS_NICE": "get_mempolicy set_mempolicy set_mempolicy_home_node mbind",
    "CAP_SYSLOG": "syslog",
    "CAP_BPF": "bpf",
    "CAP_PERFMON": "perf_event_open",
}

_BY_ARCHITECTURE = (
    ("ppc64le", "sync_file_range2 swapcontext"),
    (
        "arm arm64",
        "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
    ),
    ("amd64 x32", "arch_prctl"),
    ("amd64 x32 x86", "modify_ldt"),
    ("s390 s390x", "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"),
    ("riscv64", "riscv_flush_icache"),
)

_SUB_ARCHITECTURES = {
    "X86_64": "X86 X32",
    "AARCH64": "ARM",
    "MIPS64": "MIPS MIPS64N32",
    "MIPS64N32": "MIPS MIPS64",
    "MIPSEL64": "MIPSEL MIPSEL64N32",
    "MIPSEL64N32": "MIPSEL MIPSEL64",
    "S390X": "S390",
    "RISCV64": "",
}

_ADMIN = {"caps": ["CAP_SYS_ADMIN"]}
_S390 = ["s390", "s390x"]
_NEW_NAMESPACES = (
    0x7E020000  # CLONE_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET
)
_AF_VSOCK = 40  # the family leads past the network namespace, to the host of a virtual machine
_PERSONALITIES = (0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)  # PER_LINUX, PER_LINUX32, UNAME26, ask
_ENOSYS = 38


def profile() -> dict[str, Any]:
    """Return the profile in the form of Docker's default.json."""
    entries = [
        _allow(_EVERYBODY),
        # Before Linux 4.8 a tracer could change the number of a call after the filter had run.
        _allow("process_vm_readv process_vm_writev ptrace", includes={"minKernel": "4.8"}),
        _allow("socket", args=[_argument(0, "NE", _AF_VSOCK)]),
        *(_allow("personality", args=[_argument(0, "EQ", it)]) for it in _PERSONALITIES),
        *(_allow(names, includes={"arches": it.split()}) for it, names in _BY_ARCHITECTURE),
        *(_allow(names, includes={"caps": [it]}) for it, names in _BY_CAPABILITY.items()),
        # A new namespace is for CAP_SYS_ADMIN. clone3 keeps its flags in memory, where no filter
        # can look: ENOSYS lets the C library fall back to clone.
        _allow("clone", args=[_no_namespace(0)], excludes={**_ADMIN, "arches": _S390}),
        _allow("clone", args=[_no_namespace(1)], includes={"arches": _S390}, excludes=_ADMIN),
        {
            "names": ["clone3"],
            "action": "SCMP_ACT_ERRNO",
            "errnoRet": _ENOSYS,
            "excludes": _ADMIN,
        },
    ]
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "archMap": [
            {
                "architecture": f"SCMP_ARCH_{name}",
                "subArchitectures": [f"SCMP_ARCH_{it}" for it in others.split()],
            }
            for name, others in _SUB_ARCHITECTURES.items()
        ],
        "syscalls": entries,
    }


def _allow(names: str, **more: object) -> dict[str, Any]:
    return {"names": names.split(), "action": "SCMP_ACT_ALLOW", **more}


def _argument(index: int, operator: str, value: int) -> dict[str, Any]:
    return {"index": index, "value": value, "op": f"SCMP_CMP_{operator}"}


def _no_namespace(index: int) -> dict[str, Any]:
    return {**_argument(index, "MASKED_EQ", _NEW_NAMESPACES), "valueTwo": 0}
