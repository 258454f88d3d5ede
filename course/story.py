"""What a grader says when an answer is wrong: a story, and nothing of the grader's own code.

did:       what was done with the student's function
saw:       what came of it
expected:  what should have
mistake:   the classic mistake that looks like this, where it can be told
by hand:   a command that shows it without the engine
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from course import experiment
from course.experiment import Outcome

WIDTH = 96

_deadlines = [3.0]  # seconds for one experiment; once one was stuck, the next get less


class Story:
    """One thing done with the student's function, and how to see it by hand."""

    def __init__(self, did: str, hand: str = "") -> None:
        self.did = did
        self.hand = hand

    def fail(self, saw: str, expected: str, mistake: str = "") -> NoReturn:
        """Fail the test with this story."""
        parts = {"did": self.did, "saw": saw, "expected": expected, "mistake": mistake}
        lines = [_part(title, text) for title, text in parts.items() if text]
        lines += [f"{'by hand:':<11}{self.hand}"] if self.hand else []
        pytest.fail("\n" + "\n".join(lines), pytrace=False)

    def check(self, true: bool, saw: str, expected: str, mistake: str = "") -> None:
        """Fail the test with this story unless *true*."""
        if not true:
            self.fail(saw, expected, mistake)

    def run(self, function: Callable[[], Any], stuck: str = "", mistake: str = "") -> Outcome:
        """Run *function* as an experiment; one that hangs is a story of its own.

        *stuck* says what should have happened by then, *mistake* why it may not have.
        """
        seconds = _deadlines[-1]
        outcome = experiment.run(function, seconds)
        if outcome.raised and outcome.raised.kind == "NotImplementedError":
            raise NotImplementedError(outcome.raised.message)
        if outcome.stuck:
            _deadlines.append(1.2)  # more than any wait in an experiment
            saw = f"nothing, for {seconds:g} seconds; then the experiment was ended"
            self.fail(saw, stuck or "an end", mistake or pipe_mistake(outcome))
        return outcome

    def value(self, function: Callable[[], Any], stuck: str = "", mistake: str = "") -> Any:
        """Run *function* as an experiment and return what it returns; it must not raise."""
        outcome = self.run(function, stuck, mistake)
        if outcome.raised:
            self.fail(f"{outcome.raised} ({outcome.raised.where})", "no exception")
        if not outcome.noted:
            self.fail(f"the calling process itself ended: {ending(outcome)}", "it goes on")
        return outcome.value


def ending(outcome: Outcome) -> str:
    """Say how an experiment's process ended."""
    signal, code = outcome.status & 0x7F, outcome.status >> 8
    return f"killed by signal {signal}" if signal else f"exit code {code}"


def pipe_mistake(outcome: Outcome) -> str:
    """Say who still holds the writing end of a pipe that a stuck process reads from."""
    if not outcome.stuck:
        return ""
    first, *others = sorted(outcome.stuck, key=lambda it: bool(it["pid"] != outcome.pid))
    for pipe, ends in first["pipes"].items():
        if "r" not in ends:
            continue
        if "w" in ends:
            return "the parent still holds the writing end itself, so it never reads an end of file"
        for it in others:
            if "w" in it["pipes"].get(pipe, ""):
                return (
                    f"the program that the child became ({it['name']}) still holds the writing "
                    "end: this pipe does not close on exec"
                )
    return ""


def _part(title: str, text: str) -> str:
    first = f"{title + ':':<11}"
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=" " * 11)
