"""The life of a container: its states, its end, and what comes after the end.

A container is in one of seven states. Verbs move it from one to another, and so does the
end of its process 1:

    created ──start──> running <──unpause── paused
                       │  │  └────pause────>  │
                       │  │                   │ stop, kill
                 stop, │  │ its process ends, │
                 kill, │  │ and the policy    │
              its end  │  │ wants it back     │
                       v  v                   v
                   exited restarting ──stop──> exited ──start──> running

    any of them, once it does not run ──remove──> removing ──> gone, or dead if that fails

Two rules keep this true whatever is killed at whatever moment. The new state is written
before the kernel is told where a crash in between must not be forgotten (a stop that the
user asked for), and after it where the kernel alone knows (the end). And every state can
be left: each verb may be repeated.

Here is what the engine decides; the files are containers.py's, the processes operations.py's
and the monitor's.

Chapter: chapters/13-lifecycle.md
Lab:     labs/13_lifecycle/
"""

from __future__ import annotations

import select

from mini_docker.errors import ProcessError, StateError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping
    from typing import Any
else:  # the same functions, without the cost of signal's enums
    import _signal as signal

STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
ALIVE = ("running", "paused", "restarting")  # what Docker calls running: somebody looks after it
POLICIES = ("no", "always", "on-failure", "unless-stopped")

FIRST_DELAY = 0.1  # seconds before the first restart; each further one waits twice as long,
LONGEST_DELAY = 60.0  # at most this,
STEADY = 10.0  # and a container that has lived for so long begins anew
LONGEST_WAIT = 2.0**21  # seconds, 24 days: poll(2) counts milliseconds in an int
LAST_GRACE = 10.0  # seconds that a process gets to be gone after SIGKILL
KEPT_PROBES = 5  # results of health probes that are remembered
RETRIES = 3  # failures in a row that make a container unhealthy, unless it says otherwise

_NOT_RUNNING = "container {} is not running"
_GOING = "container is marked for removal and cannot be started"
_RESTARTING = "Container {} is restarting, wait until the container is running"
_STOP_FIRST = "stop the container before removing or force remove"
_IDLE = ("created", "exited", "removing", "dead")

# What is refused, in Docker's words: the verb and the state; {} is the container.
REFUSED = {
    ("start", "paused"): "cannot start a paused container, try unpause instead",
    **{(verb, state): _GOING for verb in ("start", "restart") for state in ("removing", "dead")},
    **{(verb, state): _NOT_RUNNING for verb in ("kill", "pause", "exec") for state in _IDLE},
    ("pause", "paused"): "Container {} is already paused",
    ("pause", "restarting"): _RESTARTING,
    ("exec", "restarting"): _RESTARTING,
    ("exec", "paused"): "Container {} is paused, unpause the container before exec",
    **{("unpause", state): "Container {} is not paused" for state in STATES if state != "paused"},
    ("remove", "paused"): 'cannot remove container "/{}": container is paused and must be '
    "unpaused first",
    **{
        ("remove", state): f'cannot remove container "/{{}}": container is {state}: {_STOP_FIRST}'
        for state in ("running", "restarting")
    },
    ("remove", "removing"): "removal of container {} is already in progress",
}


def move(state: str, verb: str, who: str) -> str:
    """Return the state that *verb* leads to from *state*; the same one: there is nothing to do.

    The verbs are start, stop, kill (with a signal that ends it), restart, pause, unpause,
    exec and remove. REFUSED has a sentence for each pair of a verb and a state that make
    no sense; "{}" in it stands for *who*, the container. All others are allowed:

        start     a container that is ALIVE goes on as it is; any other one runs
        restart   it runs, whether it did before or not
        pause     is then paused, and a container that was unpaused runs
        stop      what is ALIVE has exited; a stop of any other one changes nothing
        kill      it has exited
        exec      changes nothing
        remove    it is being removed

    Raises StateError with the sentence of REFUSED.

    >>> move("running", "pause", "web"), move("exited", "stop", "web")
    ('paused', 'exited')
    >>> move("created", "pause", "web")
    Traceback (most recent call last):
    mini_docker.errors.StateError: container web is not running
    """
    if refusal := REFUSED.get((verb, state)):
        raise StateError(refusal.format(who))
    if verb in ("start", "stop") and (state in ALIVE) == (verb == "start"):
        return state
    after = {"start": "running", "restart": "running", "unpause": "running", "pause": "paused"}
    after |= {"stop": "exited", "kill": "exited", "remove": "removing"}
    return after.get(verb, state)


def stop(process: int, number: int, grace: float) -> bool:
    """Ask *process* to end, with signal *number*; force it after *grace* seconds.

    *process* is a pidfd: it stands for one process and never for a later one with the same
    pid, and poll(2) finds it readable once that process has ended. Send *number* with
    signal.pidfd_send_signal, and wait for the end. If that has not come after *grace*
    seconds, send SIGKILL, and wait again, at most LAST_GRACE. A negative *grace* has no
    end: we wait for as long as it takes. With 0 there is no waiting between the two signals.

    Return as soon as the process has ended: True if *number* was enough, be it SIGKILL, and
    False if it took a second signal. One that the kernel knows no more, at either signal, is
    as good as one that obeys. *process* stays open: it is the caller's.

    Raises ProcessError if the kernel refuses a signal for any other reason, or if the process
    has not ended LAST_GRACE seconds after SIGKILL: it waits in the kernel, or is frozen.
    pidfd_open(2), pidfd_send_signal(2).
    """
    for sent, patience in ((number, grace), (int(signal.SIGKILL), LAST_GRACE)):
        try:
            signal.pidfd_send_signal(process, sent)
        except ProcessLookupError:
            return True
        except OSError as error:
            raise ProcessError(f"cannot send signal {sent}: {reason(error)}") from error
        if ended(process, patience):
            return sent == number
    raise ProcessError(f"the process has not ended {LAST_GRACE:g} s after SIGKILL")


def ended(process: int, seconds: float) -> bool:
    """Wait until *process*, a pidfd, has ended; say whether that is within *seconds*.

    A negative number of seconds is for ever, and so is one that poll(2) cannot count.
    """
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(int(seconds * 1000) if 0 <= seconds <= LONGEST_WAIT else None))


def restart(policy: Mapping[str, Any], state: Mapping[str, Any], lived: float) -> float | None:
    """Return after how many seconds a container that has ended is to be started again, or None.

    *policy* is HostConfig.RestartPolicy: a Name of POLICIES ("" means "no") and for
    on-failure a MaximumRetryCount, 0 for any number. *state* is what state.json holds
    after the end, and *lived* how many seconds the container ran. Neither need hold every
    field: what is missing is 0, false or "".

        Stopped        true if a user has stopped it: then it stays as it is, whatever the policy
        ExitCode       how it ended; on-failure wants it back unless this is 0
        RestartCount   how often it has been restarted since a user started it
        RestartDelay   the answer of the last time, 0 at first

    "always" and "unless-stopped" want it back after every other end: they differ only when
    the machine starts again (see at_boot). on-failure gives up once RestartCount has
    reached MaximumRetryCount.

    A program that fails at once must not eat the machine. So the first answer is
    FIRST_DELAY, each further one is twice RestartDelay, and none is above LONGEST_DELAY.
    A container that has lived for STEADY seconds or longer starts with FIRST_DELAY anew.

    >>> restart({"Name": "always"}, {"ExitCode": 0, "RestartDelay": 0.4}, lived=2)
    0.8
    """
    name, most = policy.get("Name", ""), policy.get("MaximumRetryCount", 0)
    if state.get("Stopped") or name in ("", "no"):
        return None
    if name == "on-failure":
        spent = most > 0 and state.get("RestartCount", 0) >= most
        if spent or state.get("ExitCode", 0) == 0:
            return None
    last = 0.0 if lived >= STEADY else state.get("RestartDelay", 0.0)
    return min(2 * last, LONGEST_DELAY) if last else FIRST_DELAY


def judge(
    health: Mapping[str, Any], result: Mapping[str, Any], retries: int, early: bool
) -> dict[str, Any]:
    """Return the health of a container after one more probe: what inspect shows as State.Health.

    *health* is what it was before, with Status ("starting" until the first verdict,
    "healthy" or "unhealthy"), FailingStreak, the number of failures in a row, and Log, the
    results of the last probes; before the first probe it is empty. *result* is the probe's:
    Start, End, ExitCode, Output. It is appended to Log, of which the last KEPT_PROBES stay.
    *health* itself is left as it was.

    ExitCode 0 is a success: healthy at once, and the streak is 0. Any other is a failure
    and makes the streak one longer; with *retries* failures in a row (RETRIES if *retries*
    is 0) the container is unhealthy, and until then what it was before.

    *early* says that the probe began within the start period, in which a program may still
    be busy with its start. Then a failure of a container that is "starting" is noted in Log
    and changes nothing else. Once it has been healthy nothing excuses it any more.
    """
    log = [*health.get("Log", ()), dict(result)][-KEPT_PROBES:]
    status, streak = health.get("Status", "starting"), health.get("FailingStreak", 0)
    if result["ExitCode"] == 0:
        status, streak = "healthy", 0
    elif not (early and status == "starting"):
        streak += 1
        if streak >= (retries or RETRIES):
            status = "unhealthy"
    return {"Status": status, "FailingStreak": streak, "Log": log}


def at_boot(policy: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Say whether a container that does not run is to be started when the machine has started.

    One that has never been started is not. "always" wants it back even if a user has stopped
    it, "unless-stopped" only if nobody has: moby, daemon/daemon.go, restore(). on-failure wants
    it back if it had failed, attempts are left, and nobody had stopped it. The last of these is
    ours: Docker starts one again that a stop has ended with a code other than 0 (moby, #47846).
    """
    if state.get("StartedAt", "0001").startswith("0001"):
        return False
    stopped = bool(state.get("Stopped")) and policy.get("Name") != "always"
    fresh = {"ExitCode": state.get("ExitCode", 0), "Stopped": stopped}
    return restart(policy, {**fresh, "RestartCount": state.get("RestartCount", 0)}, 0) is not None
