"""Lab 13: the life of a container.

    lab check 13             every task
    lab check 13 -k task2    one task
    sudo lab check 13        with the tests that need root

Three of the tasks only decide, and are asked question after question. The second one sends
signals: it runs in processes of its own (course/experiment.py), and what it may signal there
are small shells made for it.
"""

from __future__ import annotations

import copy
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import lifecycle
import pytest

from course import experiment
from course.story import Story
from mini_docker.errors import ProcessError, StateError

TERM, KILL = int(signal.SIGTERM), int(signal.SIGKILL)
WHO = "web"

RUN = "mini-docker run -d --name web busybox"
MADE = {  # how a container gets into a state, for whoever wants to see it
    "created": "mini-docker create --name web busybox true",
    "running": f"{RUN} sleep 1000",
    "paused": f"{RUN} sleep 1000; mini-docker pause web",
    "restarting": "mini-docker run -d --name web --restart always busybox false; sleep 2",
    "exited": "mini-docker run --name web busybox true",
}
VERBS = {"remove": "mini-docker rm web", "exec": "mini-docker exec web true"}
GONE = "mini-docker rm -f web"


# Task 1: move


def by_hand(state: str, verb: str) -> str:
    """Return the commands that do *verb* to a container in *state*; "" if none lead there."""
    if state not in MADE:
        return ""
    return f"{MADE[state]}; {VERBS.get(verb, f'mini-docker {verb} web')}; {GONE}"


def moves(state: str, verb: str, after: str, mistake: str = "") -> None:
    """Ask move() once; tell the story unless it answers *after*."""
    it = Story(f"move({state!r}, {verb!r}, {WHO!r})", by_hand(state, verb))
    try:
        answer = lifecycle.move(state, verb, WHO)
    except StateError as error:
        it.fail(f"StateError: {error}", f"{after!r}: Docker allows this", mistake)
    it.check(answer == after, f"{answer!r}", f"{after!r}", mistake)


def refuses(state: str, verb: str, sentence: str) -> None:
    """Ask move() once; tell the story unless it raises StateError with *sentence*."""
    it = Story(f"move({state!r}, {verb!r}, {WHO!r})", by_hand(state, verb))
    try:
        answer = lifecycle.move(state, verb, WHO)
    except StateError as error:
        mistake = "the container's name was not put into the sentence" if "{}" in str(error) else ""
        it.check(str(error) == sentence, f"StateError: {error}", f"StateError: {sentence}", mistake)
        return
    it.fail(f"{answer!r}", f"StateError: {sentence}", "what makes no sense is not refused")


@pytest.mark.parametrize("state", ["created", "exited"])
def test_task1_a_container_that_does_not_run_is_started(state: str) -> None:
    moves(state, "start", "running")


@pytest.mark.parametrize("state", ["running", "restarting"])
def test_task1_a_start_of_one_that_is_alive_changes_nothing(state: str) -> None:
    moves(state, "start", state, "a start that has nothing to do answers with the state it found")


@pytest.mark.parametrize("state", ["created", "running", "paused", "restarting", "exited"])
def test_task1_a_restart_ends_in_running(state: str) -> None:
    moves(state, "restart", "running")


def test_task1_pause_and_unpause_are_each_others_way_back() -> None:
    moves("running", "pause", "paused")
    moves("paused", "unpause", "running")


@pytest.mark.parametrize("state", ["running", "paused", "restarting"])
def test_task1_a_stop_ends_what_is_alive(state: str) -> None:
    moves(state, "stop", "exited")


@pytest.mark.parametrize("state", ["created", "exited", "dead"])
def test_task1_a_stop_of_one_that_does_not_run_changes_nothing(state: str) -> None:
    moves(state, "stop", state, "a stop that has nothing to do must not claim that it ended it")


@pytest.mark.parametrize("state", ["running", "paused", "restarting"])
def test_task1_a_kill_ends_what_is_alive(state: str) -> None:
    moves(state, "kill", "exited")


def test_task1_an_exec_changes_nothing() -> None:
    moves("running", "exec", "running")


@pytest.mark.parametrize("state", ["created", "exited", "dead"])
def test_task1_what_does_not_run_is_removed(state: str) -> None:
    moves(state, "remove", "removing")


@pytest.mark.parametrize("verb", ["kill", "pause", "exec"])
@pytest.mark.parametrize("state", ["created", "exited"])
def test_task1_what_needs_a_process_is_refused_without_one(verb: str, state: str) -> None:
    refuses(state, verb, "container web is not running")


def test_task1_a_paused_container_is_unpaused_and_not_started() -> None:
    refuses("paused", "start", "cannot start a paused container, try unpause instead")


def test_task1_nothing_is_paused_twice() -> None:
    refuses("paused", "pause", "Container web is already paused")


@pytest.mark.parametrize("state", ["created", "running", "exited"])
def test_task1_only_a_paused_container_is_unpaused(state: str) -> None:
    refuses(state, "unpause", "Container web is not paused")


def test_task1_a_running_container_is_not_removed() -> None:
    refuses(
        "running",
        "remove",
        'cannot remove container "/web": container is running: '
        "stop the container before removing or force remove",
    )


@pytest.mark.parametrize("verb", ["start", "restart"])
@pytest.mark.parametrize("state", ["removing", "dead"])
def test_task1_what_is_being_removed_comes_not_back(verb: str, state: str) -> None:
    refuses(state, verb, "container is marked for removal and cannot be started")


# Task 2: stop

OBEYS = "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done"
SLOW = "trap 'sleep 0.7; exit 5' TERM; echo up; while :; do sleep 0.01; done"
STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.05; done"
COUNTS = "trap 'exit 11' USR1; trap 'exit 12' TERM; echo up; while :; do sleep 0.01; done"


class Shell:
    """A shell that runs *script*, after it has said that it is up, and a pidfd of it."""

    def __init__(self, script: str) -> None:
        reader, writer = os.pipe()
        self.pid = os.posix_spawn(
            "/bin/sh", ["sh", "-c", script], os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)],
        )  # fmt: skip
        os.close(writer)
        os.read(reader, 2)
        self.pidfd = os.pidfd_open(self.pid)

    def code(self) -> int:
        """Return how it ended, minus the signal if one killed it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def stopping(script: str, number: int, grace: float) -> Callable[[], dict[str, Any]]:
    """Return what starts a shell, stops it, and says how that went."""

    def act() -> dict[str, Any]:
        shell = Shell(script)
        began, busy = time.monotonic(), time.process_time()
        answer = lifecycle.stop(shell.pidfd, number, grace)
        took, busy = time.monotonic() - began, time.process_time() - busy
        done = os.waitpid(shell.pid, os.WNOHANG)
        code = os.waitstatus_to_exitcode(done[1]) if done[0] else None
        return {"answer": answer, "took": took, "busy": busy, "code": code}

    return act


def told(script: str, number: int, grace: float) -> Story:
    """Return the story of one stop(), with the commands that do the same to a container."""
    name = signal.Signals(number).name
    kind = {OBEYS: "ends on TERM", SLOW: "takes 0.7 s to end on TERM", STUBBORN: "ignores TERM"}
    what = f"stop(a shell that {kind.get(script, 'answers USR1 and TERM')}, {name}, grace={grace})"
    given = f"-t {math.ceil(grace)}" + ("" if number == TERM else f" -s {name[3:]}")
    inside = script.replace("'", '"').replace("echo up; ", "")
    code = "mini-docker inspect -f '{{.State.ExitCode}}' web"
    return Story(
        what, f"{RUN} sh -c '{inside}'; sleep 1; time mini-docker stop {given} web; {code}; {GONE}"
    )


def test_task2_a_process_that_obeys_is_not_killed() -> None:
    it = told(OBEYS, TERM, 2)
    seen = it.value(stopping(OBEYS, TERM, 2), "an end at once: the shell obeys")
    it.check(seen["code"] is not None, "stop returned, and the process lives", "it has ended")
    it.check(
        seen["code"] == 0,
        f"it ended by {'signal ' + str(-seen['code']) if seen['code'] < 0 else seen['code']}",
        "its own exit 0, from its handler of TERM",
        "SIGKILL was sent to a process that would have obeyed: it could not clean up",
    )
    it.check(seen["answer"] is True, f"{seen['answer']!r}", "True: the signal was enough")


def test_task2_it_returns_as_soon_as_the_process_has_ended() -> None:
    it = told(OBEYS, TERM, 2)
    seen = it.value(stopping(OBEYS, TERM, 2), "an end at once")
    it.check(
        seen["took"] < 1,
        f"it took {seen['took']:.1f} s",
        "the few milliseconds that the process took",
        "the grace period was slept through, and not cut short by the end of the process",
    )
    it.check(seen["answer"] is True, f"{seen['answer']!r}", "True")


def test_task2_the_grace_period_is_granted() -> None:
    it = told(SLOW, TERM, 2)
    seen = it.value(stopping(SLOW, TERM, 2), "an end after 0.7 s")
    it.check(
        seen["code"] == 5,
        f"the process ended with {seen['code']}",
        "exit code 5: its handler came to its end",
        "SIGKILL came before the grace period was over, or stop did not wait",
    )
    it.check(seen["answer"] is True, f"{seen['answer']!r}", "True: the signal was enough")


def test_task2_a_process_that_ignores_the_signal_is_killed_after_the_grace_period() -> None:
    it = told(STUBBORN, TERM, 0.4)
    mistake = "nobody sends SIGKILL: a process that ignores TERM is never stopped"
    seen = it.value(stopping(STUBBORN, TERM, 0.4), "SIGKILL after 0.4 s", mistake)
    it.check(
        seen["code"] == -KILL,
        f"the process {'lives' if seen['code'] is None else 'ended with ' + str(seen['code'])}",
        "ended by SIGKILL when stop returns",
        mistake if seen["answer"] is not False else "stop did not wait for the end after SIGKILL",
    )
    it.check(
        seen["took"] >= 0.35,
        f"SIGKILL after {seen['took']:.2f} s",
        "after 0.4 s: so much time was promised",
        "SIGKILL came before the grace period was over",
    )


def test_task2_after_sigkill_the_end_is_waited_for() -> None:
    """SIGKILL takes its time here, as it does where a process has much memory to give back."""

    def act() -> bool:
        shell, real = Shell(STUBBORN), signal.pidfd_send_signal

        def late(process: int, number: int, *_: Any) -> None:
            if number == KILL and os.fork():
                return
            time.sleep(0.4 if number == KILL else 0)
            real(process, number)
            if number == KILL:
                os._exit(0)

        lifecycle.signal.pidfd_send_signal = late  # type: ignore[assignment]
        lifecycle.stop(shell.pidfd, TERM, 0.1)
        return experiment.state(shell.pid) in ("", "Z")

    it = Story("stop(a process that takes 0.4 s to die of SIGKILL, SIGTERM, grace=0.1)")
    ended = it.value(act, "an end after 0.5 s")
    mistake = "stop did not wait for the end after SIGKILL"
    it.check(ended, "stop returned, and the process lives", "it has ended", mistake)


def test_task2_the_answer_says_that_it_took_force() -> None:
    it = told(STUBBORN, TERM, 0.2)
    seen = it.value(stopping(STUBBORN, TERM, 0.2), "SIGKILL after 0.2 s")
    it.check(seen["answer"] is False, f"{seen['answer']!r}", "False: it took SIGKILL")


def test_task2_the_signal_is_the_one_that_was_asked_for() -> None:
    number = int(signal.SIGUSR1)
    it = told(COUNTS, number, 2)
    seen = it.value(stopping(COUNTS, number, 2), "an end at once")
    it.check(
        seen["code"] == 11,
        "its handler of TERM ran" if seen["code"] == 12 else f"it ended with {seen['code']}",
        "its handler of USR1 runs",
        "TERM is only the default: an image or the user may ask for another signal",
    )


def test_task2_sigkill_may_be_what_was_asked_for() -> None:
    it = told(STUBBORN, KILL, 2)
    seen = it.value(stopping(STUBBORN, KILL, 2), "an end at once")
    it.check(seen["code"] == -KILL, f"it ended with {seen['code']}", "ended by SIGKILL")
    mistake = "whoever asks for SIGKILL gets what he asked for: no second signal was needed"
    it.check(seen["answer"] is True, f"{seen['answer']!r}", "True: the signal was enough", mistake)


def test_task2_no_grace_is_no_wait() -> None:
    it = told(STUBBORN, TERM, 0)
    seen = it.value(stopping(STUBBORN, TERM, 0), "SIGKILL at once")
    it.check(seen["took"] < 0.5, f"it took {seen['took']:.1f} s", "no wait before SIGKILL")
    it.check(seen["code"] == -KILL, f"it ended with {seen['code']}", "ended by SIGKILL")


def test_task2_a_negative_grace_has_no_end() -> None:
    it = told(SLOW, TERM, -1)
    seen = it.value(stopping(SLOW, TERM, -1), "an end after 0.7 s")
    it.check(
        seen["code"] == 5,
        f"the process ended with {seen['code']}",
        "exit code 5: it is waited for, however long it takes",
        "a negative grace was taken for none",
    )


def test_task2_one_that_is_gone_is_as_good_as_one_that_obeys() -> None:
    def act() -> bool:
        shell = Shell("echo up")
        shell.code()  # reaped: the pidfd is of nobody
        return bool(lifecycle.stop(shell.pidfd, TERM, 2) is True)

    it = Story("stop(a process that has ended and was waited for, SIGTERM, grace=2)")
    outcome = it.run(act, "an answer at once")
    it.check(
        not outcome.raised,
        f"{outcome.raised}",
        "True: nothing has to be done",
        "the kernel's ProcessLookupError is no error here: the process has ended by itself",
    )
    it.check(outcome.value is True, "another answer than True", "True")


def test_task2_what_the_kernel_refuses_is_an_error_of_the_engine() -> None:
    it = Story("stop(a descriptor of no process, SIGTERM, grace=1)")
    outcome = it.run(lambda: lifecycle.stop(os.eventfd(0), TERM, 1))
    kind = outcome.raised.kind if outcome.raised else "no exception"
    it.check(kind == ProcessError.__name__, f"{outcome.raised or kind}", "ProcessError")


def sending(answers: list[type[OSError] | None], grace: float = 0.1) -> Callable[[], Any]:
    """Return what calls stop() where the kernel answers to one signal after the other as told."""

    def act() -> dict[str, Any]:
        shell, sent = Shell(STUBBORN), []

        def send(process: int, number: int, *_: Any) -> None:
            sent.append(int(number))
            if error := answers[len(sent) - 1]:
                raise error(1, "as told")
            signal_of_theirs(process, number)

        signal_of_theirs = signal.pidfd_send_signal
        lifecycle.signal.pidfd_send_signal = send  # type: ignore[assignment]
        before = len(os.listdir("/proc/self/fd"))
        try:
            told = repr(lifecycle.stop(shell.pidfd, TERM, grace))
        except ProcessError:
            told = "ProcessError"
        return {"told": told, "sent": sent, "left": len(os.listdir("/proc/self/fd")) - before}

    return act


def test_task2_without_grace_both_signals_are_sent() -> None:
    it = told(STUBBORN, TERM, 0)
    seen = it.value(sending([None, None], 0))
    mistake = "with a grace of 0 the signal that was asked for was left out"
    it.check(seen["sent"] == [TERM, KILL], f"signals {seen['sent']}", f"{[TERM, KILL]}", mistake)


@pytest.mark.parametrize("answers", [[PermissionError], [None, PermissionError]])
def test_task2_a_signal_that_is_not_allowed_has_ended_nobody(answers: Any) -> None:
    it = Story(f"stop(...), and the kernel refuses signal number {len(answers)}: not permitted")
    seen = it.value(sending(answers))
    mistake = "a refusal of the kernel's was taken for the end of the process"
    it.check(seen["told"] == "ProcessError", seen["told"], "ProcessError", mistake)


def test_task2_one_that_goes_in_the_last_moment_is_as_good_as_one_that_obeys() -> None:
    it = Story("stop(a process that is gone when SIGKILL is due, SIGTERM, grace=0.1)")
    seen = it.value(sending([None, ProcessLookupError]))
    it.check(seen["told"] == "True", seen["told"], "True: no SIGKILL has reached it")


def test_task2_the_callers_descriptor_stays_open_and_is_the_only_one() -> None:
    it = Story("stop(a process that ignores TERM, SIGTERM, grace=0.1)")
    seen = it.value(sending([None, None]))
    it.check(seen["told"] == "False", seen["told"], "False: it took SIGKILL")
    expected = "as many as before: the pidfd is the caller's"
    it.check(seen["left"] == 0, f"{seen['left']:+} open descriptors", expected)


def test_task2_an_end_in_the_middle_is_noticed_at_once() -> None:
    script = "trap 'sleep 0.25; exit 5' TERM; echo up; while :; do sleep 0.01; done"
    it = Story("stop(a shell that takes 0.25 s to end on TERM, SIGTERM, grace=2), three times")
    seen = [it.value(stopping(script, TERM, 2)) for _ in range(3)]
    it.check(all(one["answer"] is True for one in seen), f"{seen[0]['answer']!r}", "True")
    took = min(one["took"] for one in seen)
    it.check(took < 0.36, f"{took:.2f} s", "0.25 s and a little", "it looks only now and then")


def test_task2_a_process_that_does_not_die_is_not_waited_for_for_ever() -> None:
    """The kernel seems to take each signal, and nothing happens: a frozen process is like that."""

    def act() -> None:
        shell = Shell(STUBBORN)
        lifecycle.LAST_GRACE = 0.3
        lifecycle.signal.pidfd_send_signal = lambda *_: None  # type: ignore[assignment]
        lifecycle.stop(shell.pidfd, TERM, 0.1)

    it = Story("stop(a process that outlives SIGKILL, SIGTERM, grace=0.1), with LAST_GRACE 0.3 s")
    outcome = it.run(act, "ProcessError after 0.4 s", "after SIGKILL it waits without an end")
    saw = str(outcome.raised or f"{outcome.value!r}")
    mistake = "it reports a stop that has not happened"
    it.check(bool(outcome.raised), saw, "ProcessError", mistake)
    it.check(outcome.raised is not None and outcome.raised.kind == "ProcessError", saw, "ProcessError")  # noqa: E501  # fmt: skip


def test_task2_it_sleeps_while_it_waits() -> None:
    it = told(STUBBORN, TERM, 0.8)
    seen = it.value(stopping(STUBBORN, TERM, 0.8), "SIGKILL after 0.8 s")
    it.check(
        seen["busy"] < 0.15,
        f"{seen['busy']:.1f} s of processor time in {seen['took']:.1f} s",
        "next to none: poll(2) sleeps until there is something to tell",
        "a loop without a sleep keeps a processor busy",
    )
    it.check(seen["answer"] is False, f"{seen['answer']!r}", "False")


@pytest.mark.root
def test_task2_process_1_of_a_namespace_without_a_handler_is_killed() -> None:
    """TERM has no default action for it: pid_namespaces(7)."""

    def act() -> dict[str, Any]:
        unshare = subprocess.Popen(["unshare", "--fork", "--pid", "sleep", "1000"])
        experiment.until(lambda: "sleep" in map(experiment.name, experiment.children(unshare.pid)))
        inside = experiment.children(unshare.pid)[0]
        answer = lifecycle.stop(os.pidfd_open(inside), TERM, 0.3)
        return {"answer": answer, "state": experiment.state(inside)}

    it = Story(
        "stop(process 1 of a new pid namespace, a sleep, SIGTERM, grace=0.3)",
        "unshare --fork --pid sleep 1000",
    )
    seen = it.value(act, "SIGKILL after 0.3 s")
    expected = "False: the kernel drops TERM for a process 1 without a handler"
    it.check(seen["answer"] is False, f"{seen['answer']!r}", expected)
    it.check(seen["state"] in ("", "Z"), f"it is in state {seen['state']}", "it has ended")


# Task 3: restart

FAILED = {"ExitCode": 1, "RestartCount": 0, "RestartDelay": 0.0}


def asking(policy: dict[str, Any], state: dict[str, Any], lived: float) -> Story:
    """Return the story of one restart(), with the commands that let the engine ask it."""
    name, most = policy.get("Name") or "no", policy.get("MaximumRetryCount", 0)
    wish = f"{name}:{most}" if name == "on-failure" and most else name
    seconds = min(math.ceil(lived), 12)
    ends = f"sleep {seconds}; exit {state.get('ExitCode', 0) & 255}"
    stop = "mini-docker stop web; " if state.get("Stopped") else ""
    hand = (
        f"mini-docker run -d --name web --restart {wish} busybox sh -c '{ends}'; "
        f"sleep {3 * seconds + 3}; {stop}mini-docker events --since {3 * seconds + 4}s --until 0s "
        f"-f container=web -f event=start -f event=die; {GONE}"
    )
    return Story(f"restart({policy}, {state}, lived={lived:g})", hand)


def answers(
    name: str, expected: float | None, mistake: str = "", most: int = 0, lived: float = 1.0,
    **state: Any,
) -> None:  # fmt: skip
    """Ask restart() once; tell the story unless it answers *expected*."""
    policy = {"Name": name, "MaximumRetryCount": most}
    state = {**FAILED, **state}
    given = copy.deepcopy((policy, state))
    it = asking(policy, state, lived)
    answer = lifecycle.restart(policy, state, lived)
    same = answer == expected if expected is None else answer == pytest.approx(expected)
    it.check(same, f"{answer!r}", f"{expected!r}", mistake)
    number = isinstance(answer, int | float) and not isinstance(answer, bool)
    it.check(answer is None or number, f"{answer!r}", "seconds, or None")
    it.check((policy, state) == given, "its arguments were changed", "they stay as they were")


@pytest.mark.parametrize("name", ["always", "unless-stopped", "on-failure"])
def test_task3_what_failed_comes_back_after_a_moment(name: str) -> None:
    answers(name, 0.1)


@pytest.mark.parametrize("name", ["no", ""])
def test_task3_without_a_policy_the_end_is_the_end(name: str) -> None:
    answers(name, None)
    answers("always", 0.1)


@pytest.mark.parametrize("name", ["always", "unless-stopped", "on-failure"])
def test_task3_what_a_user_has_stopped_stays(name: str) -> None:
    mistake = "a container that was stopped by its user comes back: docker stop would be in vain"
    answers(name, None, mistake, Stopped=True)
    answers(name, 0.1, Stopped=False)


@pytest.mark.parametrize("name", ["always", "unless-stopped"])
def test_task3_a_success_is_an_end_too(name: str) -> None:
    answers(name, 0.1, f"{name} asks for it after every end, not only after a failure", ExitCode=0)


def test_task3_on_failure_is_content_with_a_success() -> None:
    answers("on-failure", None, "on-failure brings back what has succeeded", ExitCode=0)
    answers("on-failure", 0.1, ExitCode=137)


def test_task3_on_failure_gives_up_after_as_many_restarts_as_were_allowed() -> None:
    mistake = "it is restarted once more than was allowed"
    answers("on-failure", None, mistake, most=3, RestartCount=3, RestartDelay=0.4)
    answers("on-failure", None, mistake, most=3, RestartCount=4, RestartDelay=0.4)
    answers("on-failure", 0.8, "it gives up too early", most=3, RestartCount=2, RestartDelay=0.4)


def test_task3_a_long_life_does_not_lift_the_maximum() -> None:
    mistake = "the delay begins anew after a long life, the number of restarts does not"
    answers("on-failure", None, mistake, most=3, RestartCount=3, lived=3600.0)
    answers("on-failure", 0.1, most=4, RestartCount=3, lived=3600.0)


@pytest.mark.parametrize("code", [255, 137, -1])
def test_task3_every_code_but_0_is_a_failure(code: int) -> None:
    answers("on-failure", 0.1, "every code but 0 is a failure", ExitCode=code)


def test_task3_a_maximum_of_0_is_no_maximum() -> None:
    mistake = "a MaximumRetryCount of 0 stands for any number"
    answers("on-failure", 60.0, mistake, most=0, RestartCount=1000, RestartDelay=60.0)


def test_task3_the_maximum_is_of_on_failure_alone() -> None:
    answers("always", 0.8, "always knows no maximum", most=1, RestartCount=3, RestartDelay=0.4)


def test_task3_each_delay_is_twice_the_one_before() -> None:
    mistake = "without a back-off a program that fails at once eats the machine"
    last = 0.0
    for expected in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2):
        answers("always", expected, mistake, RestartDelay=last)
        last = expected


def test_task3_no_delay_is_longer_than_a_minute() -> None:
    mistake = "the delay doubles without an end: after a day nobody sees it come back"
    answers("always", 60.0, mistake, RestartDelay=51.2)
    answers("always", 60.0, mistake, RestartDelay=60.0)


@pytest.mark.parametrize("lived", [10.0, 3600.0])
def test_task3_one_that_has_lived_begins_anew(lived: float) -> None:
    mistake = "the delay of a bad morning is held against a container that ran well since"
    answers("always", 0.1, mistake, lived=lived, RestartDelay=25.6)


def test_task3_one_that_has_not_lived_for_ten_seconds_does_not_begin_anew() -> None:
    answers("always", 51.2, "it began anew too early", lived=9.9, RestartDelay=25.6)


def sparse(policy: dict[str, Any], state: dict[str, Any], expected: float | None) -> None:
    """Ask restart() with nothing but these fields; tell the story unless it answers *expected*."""
    it = asking(policy, state, 1.0)
    mistake = "neither need hold every field: what is missing is 0, false or an empty string"
    try:
        answer = lifecycle.restart(policy, state, 1.0)
    except (KeyError, TypeError) as error:
        it.fail(f"{type(error).__name__}: {error}", f"{expected!r}", mistake)
    same = answer == expected if expected is None else answer == pytest.approx(expected)
    it.check(same, f"{answer!r}", f"{expected!r}", mistake)


def test_task3_what_state_does_not_hold_is_nothing() -> None:
    sparse({"Name": "always"}, {"ExitCode": 0}, 0.1)
    sparse({"Name": "always"}, {}, 0.1)


@pytest.mark.parametrize("missing", ["MaximumRetryCount", "RestartCount", "RestartDelay"])
def test_task3_on_failure_does_not_need_every_field(missing: str) -> None:
    policy = {"Name": "on-failure", "MaximumRetryCount": 3}
    state = {"Stopped": False, "ExitCode": 1, "RestartCount": 0, "RestartDelay": 0.0}
    for given in (policy, state):
        given.pop(missing, None)
    sparse(policy, state, 0.1)


def test_task3_without_an_exit_code_nothing_has_failed() -> None:
    sparse({"Name": "on-failure"}, {"ExitCode": 1}, 0.1)
    sparse({"Name": "on-failure", "MaximumRetryCount": 3}, {}, None)


def test_task3_an_empty_policy_is_none() -> None:
    sparse({"Name": "unless-stopped"}, {}, 0.1)
    sparse({}, {"ExitCode": 1}, None)
    sparse({}, {}, None)


# Task 4: judge


def probe(code: int, number: int = 0) -> dict[str, Any]:
    return {"Start": f"s{number}", "End": f"e{number}", "ExitCode": code, "Output": "said"}


def health(status: str = "starting", streak: int = 0, log: Any = ()) -> dict[str, Any]:
    return {"Status": status, "FailingStreak": streak, "Log": list(log)}


def probing(code: int, retries: int = 3, early: bool = False) -> str:
    """Return the commands that show the health of a container whose probe ends with *code*."""
    period = " --health-start-period 1h" if early else ""
    return (
        f"mini-docker run -d --name web --health-cmd 'exit {code & 255}' --health-interval 1s "
        f"--health-retries {retries}{period} busybox sleep 1000; sleep 7; "
        f"mini-docker inspect -f '{{{{json .State.Health}}}}' web; {GONE}"
    )


def verdict(
    before: dict[str, Any], code: int, status: str, streak: int, mistake: str = "",
    retries: int = 3, early: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Ask judge() once; tell the story unless status and streak are as expected."""
    what = f"{before['Status']}, streak {before['FailingStreak']}"
    it = Story(
        f"judge(a container that is {what}; a probe with exit code {code}; "
        f"retries={retries}, early={early})",
        probing(code, retries, early),
    )
    given = copy.deepcopy(before)
    found = lifecycle.judge(before, probe(code), retries, early)
    it.check(isinstance(found, dict), f"{found!r}", "a dict with Status, FailingStreak and Log")
    seen = f"{found.get('Status')}, streak {found.get('FailingStreak')}"
    it.check(seen == f"{status}, streak {streak}", seen, f"{status}, streak {streak}", mistake)
    changed = "what it was given has been changed: whoever reads it meanwhile sees half a verdict"
    it.check(before == given, "the health before is another one now", "it is left as it was", changed)  # noqa: E501  # fmt: skip
    return found


@pytest.mark.parametrize("status", ["starting", "healthy", "unhealthy"])
def test_task4_one_success_is_enough(status: str) -> None:
    verdict(health(status, 2), 0, "healthy", 0, "a success ends the streak of failures")


def test_task4_a_failure_is_counted() -> None:
    mistake = "one failure is not enough: a probe may meet a busy moment"
    verdict(health("healthy", 0), 1, "healthy", 1, mistake)
    verdict(health("healthy", 1), 1, "healthy", 2, mistake)


def test_task4_the_last_of_so_many_failures_in_a_row_makes_it_unhealthy() -> None:
    verdict(health("healthy", 2), 1, "unhealthy", 3)
    verdict(health("healthy", 0), 1, "unhealthy", 1, retries=1)
    verdict(health("healthy", 3), 1, "healthy", 4, "it was judged too early", retries=5)


def test_task4_retries_of_0_is_three() -> None:
    mistake = "0 says nothing: then RETRIES counts"
    verdict(health("healthy", 0), 1, "healthy", 1, mistake, retries=0)
    verdict(health("healthy", 2), 1, "unhealthy", 3, mistake, retries=0)


def test_task4_one_that_is_starting_becomes_unhealthy_too() -> None:
    verdict(health("starting", 2), 1, "unhealthy", 3)
    verdict(health("starting", 0), 1, "starting", 1)


def test_task4_any_exit_code_but_0_is_a_failure() -> None:
    for code in (1, 2, 126, 137, -1):
        verdict(health("healthy", 0), code, "healthy", 1, "every code but 0 is a failure")


def test_task4_a_failure_in_the_start_period_is_excused() -> None:
    mistake = "in the start period a failure of a container that is starting does not count"
    verdict(health("starting", 0), 1, "starting", 0, mistake, early=True)
    verdict(health("starting", 0), 1, "starting", 0, mistake, early=True, retries=1)


def test_task4_a_success_in_the_start_period_counts() -> None:
    verdict(health("starting", 0), 0, "healthy", 0, early=True)


def test_task4_an_excused_failure_changes_nothing_else() -> None:
    verdict(
        health("starting", 2), 1, "starting", 2, "an excused failure changes nothing", early=True
    )


def test_task4_an_unhealthy_one_stays_so_until_a_success() -> None:
    mistake = "the start period excuses only one that is starting"
    verdict(health("unhealthy", 3), 1, "unhealthy", 4, mistake, early=True)
    verdict(health("unhealthy", 3), 1, "unhealthy", 4, "the streak counts on")
    verdict(health("unhealthy", 0), 1, "unhealthy", 1, "only a success makes it healthy")


def test_task4_one_that_was_healthy_is_no_longer_excused() -> None:
    mistake = "the start period excuses only one that is starting"
    verdict(health("healthy", 0), 1, "healthy", 1, mistake, early=True)
    verdict(health("healthy", 2), 1, "unhealthy", 3, mistake, early=True)


def test_task4_the_result_is_kept_whatever_it_was() -> None:
    for code, early in ((0, False), (1, False), (1, True)):
        found = verdict(health(), code, *(("healthy", 0) if not code else ("starting", int(not early))), early=early)  # noqa: E501  # fmt: skip
        did = f"judge(...) with a probe of exit code {code}, early={early}"
        it = Story(did, probing(code, early=early))
        expected = "Log holds the result: inspect shows what the probe said"
        it.check(found["Log"] == [probe(code)], f"Log is {found['Log']}", expected)


def test_task4_the_last_five_results_are_kept_the_newest_at_the_end() -> None:
    before = health("healthy", 0, [probe(0, n) for n in range(1, 6)])
    found = verdict(before, 0, "healthy", 0)
    names = [row["Start"] for row in found["Log"]]
    it = Story("judge(...) of a container with five results, s1 to s5, in its Log", probing(0))
    mistake = ""
    if len(names) > 5:
        mistake = "a log without an end: the record grows with every probe"
    elif names[:1] == ["s1"]:
        mistake = "the oldest were kept, and the newest thrown away"
    it.check(names == ["s2", "s3", "s4", "s5", "s0"], f"{names}", "s2 to s5 and the new one", mistake)  # noqa: E501  # fmt: skip


def test_task4_the_first_probe_of_all_finds_nothing_before_it() -> None:
    it = Story("judge({}, a probe with exit code 1, retries=3, early=False)", probing(1))
    found = lifecycle.judge({}, probe(1), 3, False)
    it.check(
        found == health("starting", 1, [probe(1)]), f"{found}", "starting, streak 1, one result"
    )
