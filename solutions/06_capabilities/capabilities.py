"""Capabilities: root's power in 41 parts, and the few of them that a container gets.

The kernel asks for a capability wherever it once asked "are you root?". Each process has
five sets of them, and each set is one number, in which bit n stands for capability n:

    permitted     what the process may use
    effective     what it uses now; this is the set that the kernel looks at
    inheritable   what an exec may add to, together with the program's file
    bounding      a ceiling: no exec gives anything that is not in it; it only sinks
    ambient       what a program without file capabilities keeps over exec

At exec the kernel computes permitted and effective anew. For root they become all that is
in the bounding set: whoever wants to hold root for good lowers the bounding set.

Names and numbers are in capabilities_names.py. capabilities(7), prctl(2), proc(5).

Chapter: chapters/06-capabilities.md
Lab:     labs/06_capabilities/
"""

from __future__ import annotations

from mini_docker import syscalls
from mini_docker.capabilities_names import ALL, DEFAULT, EVERYTHING, NAMES, canonical, mask
from mini_docker.errors import KernelError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SETS = {  # the field of /proc/PID/status: the set's name
    "CapInh": "inheritable",
    "CapPrm": "permitted",
    "CapEff": "effective",
    "CapBnd": "bounding",
    "CapAmb": "ambient",
}
MOST = 64  # a set is a number of 64 bits
EINVAL = 22


def sets(pid: int | str = "self") -> dict[str, int]:
    """Return the five sets of process *pid*, by the names in SETS.

    /proc/PID/status has one line for each, such as "CapEff:\\t00000000a80425fb": the
    field's name, a colon, and the set as a number in base 16. Other lines are left out.

    >>> sets(1)["ambient"]
    0

    A process chooses its own name, which is in the file as well, in the row "Name:": any
    bytes but a newline, also such as are no UTF-8, or the word CapEff. Only what stands
    between the beginning of a line and its first colon is a field.

    Raises KernelError, "cannot read the capabilities of process" and *pid*, with the
    kernel's reason(), if the file cannot be read: most often the process has ended.
    proc(5).
    """
    found = {}
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            for line in file:
                field, _, value = line.partition(":")
                if field in SETS:
                    found[SETS[field]] = int(value, 16)
    except OSError as error:
        raise KernelError(
            f"cannot read the capabilities of process {pid}: {reason(error)}"
        ) from error
    return found


def compute(add: Iterable[str], drop: Iterable[str], privileged: bool, bounding: int) -> int:
    """Return the set that a container gets: --cap-add, --cap-drop and --privileged decide.

    *add* and *drop* hold names in any form that canonical() takes, also "ALL". Docker's
    rules, of which the first that fits counts:

    1. *privileged*: EVERYTHING, whatever *add* and *drop* say.
    2. ALL in *add*: EVERYTHING without the names in *drop*; "ALL" among those has no effect.
    3. ALL in *drop*: the names in *add*, and nothing else.
    4. Otherwise: DEFAULT without the names in *drop*, and then with those in *add*.
       A name in both is therefore in the set.

    What comes out is limited to *bounding*, the bounding set of the engine: nobody can
    give what he does not have.

    >>> compute([], [], False, EVERYTHING) == mask(DEFAULT)
    True
    >>> compute(["net_admin"], ["ALL"], False, EVERYTHING) == mask(["CAP_NET_ADMIN"])
    True

    Raises UsageError, from canonical(), for a name that is none: under every rule.
    """
    added = {canonical(name) for name in add}
    dropped = {canonical(name) for name in drop}
    if privileged:
        wanted = EVERYTHING
    elif ALL in added:
        wanted = EVERYTHING & ~mask(dropped - {ALL})
    elif ALL in dropped:
        wanted = mask(added)
    else:
        wanted = mask(DEFAULT) & ~mask(dropped) | mask(added)
    return wanted & bounding


def bound(wanted: int) -> None:
    """Take everything that is not in *wanted* out of the caller's bounding set.

    For each number below MOST whose bit is not in *wanted*, prctl(PR_CAPBSET_DROP, number)
    takes one capability out. A kernel may have more capabilities than NAMES, so the row
    goes on after them; the first EINVAL says that this kernel's capabilities end here,
    and is no failure. A capability that is out already may be dropped again.

    The caller needs CAP_SETPCAP in its effective set: so this comes before a change of
    user. What is out cannot come back. prctl(2), capabilities(7).

    Raises KernelError, "cannot drop" and the capability's name (its number if NAMES has
    none), with the kernel's reason(), if the kernel refuses.
    """
    for number in range(MOST):
        if wanted >> number & 1:
            continue
        try:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno == EINVAL:
                return
            name = NAMES[number] if number < len(NAMES) else f"capability {number}"
            raise KernelError(f"cannot drop {name}: {reason(error)}") from error


def apply(wanted: int, root: bool, no_new_privileges: bool = False) -> None:
    """Give the caller *wanted* and no more: set its permitted, effective and inheritable sets.

    1. capset() takes three numbers: effective, permitted, inheritable. For *root* the
       first two are *wanted*, less what capget() says that the caller is not permitted:
       the kernel refuses to add to the permitted set. For any other user they are 0,
       whatever *wanted* says, as in Docker: his programs may get capabilities from
       their files, within the bounding set. The third is 0 for everybody, since
       CVE-2022-24769. That empties the ambient set as well: it cannot hold what is not
       both permitted and inheritable.
    2. If *no_new_privileges*, then prctl(PR_SET_NO_NEW_PRIVS, 1): no exec from now on
       gives the process a right that it does not have, not even that of a setuid program.

    bound() has been called before: capset alone would hold root only until its next exec.

    Raises KernelError, "cannot set the capabilities", with the kernel's reason().
    capset(2), prctl(2).
    """
    try:
        _, permitted, _ = syscalls.capget()
        kept = wanted & permitted if root else 0
        syscalls.capset(kept, kept, 0)
        if no_new_privileges:
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    except OSError as error:
        raise KernelError(f"cannot set the capabilities: {reason(error)}") from error
