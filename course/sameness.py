"""What differs between two recordings of one session, made equal before they are compared."""

from __future__ import annotations

import os
import re

CLOCK = r"\d\d:\d\d(:\d\d)?(\.\d+)?"
ZONE = "( [A-Z]{3,4})"
WEEKDAY = r"\b((Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?"
MONTH = r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
RULES = [
    (r"\b[0-9a-f]{64}\b", "<id>"),
    (r"\b[0-9a-f]{12}\b", "<short id>"),  # one in 300 has no letter
    (r"\b\d{4}-\d\d-\d\d([T ]" + CLOCK + r")?(Z| ?[+-]\d\d:?\d\d)?( [A-Z]{3,4}\b)?", "<time>"),
    # of ls and date: the month first; of HTTP: the day first
    (WEEKDAY + MONTH + r" +\d\d? +(" + CLOCK + f"{ZONE}?( \\d{{4}})?|\\d{{4}})\\b", "<time>"),
    (WEEKDAY + r"\d\d? " + MONTH + r" \d{4}( " + CLOCK + f"{ZONE}?)?\\b", "<time>"),
    (r"\b" + CLOCK + r"\b", "<time>"),
    (
        r"(?i)\b(less than a|about an?|\d+) (second|minute|hour|day|week|month|year)s?\b",
        "<duration>",
    ),
    (r"\b\d+(\.\d+)? ?(ns|µs|us|ms|s)\b", "<duration>"),
    (r":\[\d+\]", ":[<inode>]"),
    (r"\b40265[0-9]{5}\b", "<inode>"),
    (r"^\[(\d+)\] \d+$", r"[\1] <pid>"),
    (r"(?i)\bpid[ :=]+\d+", "pid <pid>"),
    (r"/tmp/[\w./-]+", "<temporary>"),
]
# bash tells of a job's end before the prompt at which it happens to know of it.
JOB_ENDED = re.compile(r"\[\d+\][+-]? +[A-Z]")
COLUMNS = {"PID", "PPID", "NS", "TIME", "STIME", "C", "CREATED"}
NAME = re.compile(r"[a-z]+_[a-z]+")


def normalise(text: str, varies: list[str]) -> list[str]:
    """Return the lines of *text* with ids, pids, times and *varies* replaced, blanks as one.

    The lines that tell of a job's end are left out: they come at one of two prompts.
    """
    rules = [(rule, "<varies>") for rule in varies]
    rules += [(re.escape(os.uname().release), "<kernel>"), *RULES]
    lines: list[str] = []
    header: list[str] = []
    for line in text.splitlines():
        if JOB_ENDED.match(line):
            continue
        words = line.split()
        if COLUMNS & set(words) or "NAMES" in words:
            header = words
        elif line.startswith(("# ", "$ ", "%%")):
            header = []
        elif header:
            line = _row(header, words)
        for rule, name in rules:
            line = re.sub(rule, name, line)
        lines.append(" ".join(line.split()))
    return lines


def _row(header: list[str], words: list[str]) -> str:
    """Return one line of a table with what a number or a name varies in replaced."""
    if words and header[-1] == "NAMES" and NAME.fullmatch(words[-1]):
        words = [*words[:-1], "<name>"]
    for number, title in enumerate(header[: len(words)]):
        if title in COLUMNS and words[number].isdecimal():
            words = [*words[:number], f"<{title.lower()}>", *words[number + 1 :]]
    return " ".join(words)
