"""scripts/bench: its arithmetic, its table, its command line; and that it leaves nothing behind."""

from __future__ import annotations

import hashlib
import importlib
import os
import signal
import subprocess
import sys
import tarfile
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks import command, measure, sample, table
from benchmarks.measure import Job, Result, Target
from benchmarks.peers import OURS, Inside, Peer
from mini_docker import image_load, image_lookup, layers_attributes

REPO = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


def fake_peer(name: str) -> Peer:
    peer = Peer(Inside("/nowhere", "/none", "/nowhere", ENVIRONMENT))
    peer.name = name
    return peer


def job(*targets: Target, rounds: int | None = None) -> Job:
    return Job("`a job`", "ms", lambda peer, stack: lambda: 1.0, targets, rounds)


# --- Rounds


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "PAUSE", 0)


def test_each_round_has_every_program_once_and_each_follows_every_other() -> None:
    seen: list[str] = []

    def reading(name: str) -> measure.Reading:
        def read() -> float:
            seen.append(name)
            return 1.0

        return read

    ready = {name: reading(name) for name in "abc"}
    result = Result()
    measure.interleave(ready, 20, result)
    rounds = ["".join(seen[start : start + 3]) for start in range(0, len(seen), 3)]
    assert len(rounds) == measure.WARM_UP + 20
    assert {"".join(sorted(one)) for one in rounds} == {"abc"}
    assert {first + then for one in rounds for first, then in pairwise(one)} == {
        *("ab", "ac", "ba", "bc", "ca", "cb")
    }


def test_the_first_rounds_are_not_counted() -> None:
    values = iter(range(100))
    result = Result()
    measure.interleave({OURS: lambda: float(next(values))}, 2, result)
    assert result.readings == {OURS: [measure.WARM_UP, measure.WARM_UP + 1.0]}


def test_a_peer_that_fails_is_left_out_with_its_reason_and_others_go_on() -> None:
    def fail() -> float:
        raise command.Failed("other: no such thing")

    ready = {"other": fail, OURS: lambda: 2.0}
    work = Job("`a job`", "ms", lambda peer, stack: ready[peer.name], ())
    result = measure.measure(work, [fake_peer(OURS), fake_peer("other")], 4)
    assert result.readings == {OURS: [2.0] * 4}
    assert result.failed == {"other": "other: no such thing"}


def test_our_failure_ends_the_run() -> None:
    def fail() -> float:
        raise command.Failed("mini-docker: no")

    work = Job("`a job`", "ms", lambda peer, stack: fail, ())
    with pytest.raises(command.Failed, match="mini-docker: no"):
        measure.measure(work, [fake_peer(OURS)], 1)


def test_the_stage_is_cleared_after_the_last_round() -> None:
    told: list[str] = []

    def prepare(peer: Peer, stack: ExitStack) -> measure.Reading:
        def read() -> float:
            told.append("read")
            return 1.0

        stack.callback(told.append, "cleared")
        return read

    measure.measure(Job("`a job`", "ms", prepare, ()), [fake_peer(OURS)], 1)
    assert told == ["read"] * (measure.WARM_UP + 1) + ["cleared"]


def test_a_job_takes_no_more_rounds_than_it_says_nor_than_were_asked_for() -> None:
    for most, asked, found in ((None, 4, 4), (3, 20, 3), (3, 1, 1)):
        result = measure.measure(job(rounds=most), [fake_peer(OURS)], asked)
        assert len(result.readings[OURS]) == found


def test_a_job_says_how_often_it_warms_up() -> None:
    values = iter(range(100))
    work = Job("`a job`", "ms", lambda peer, stack: lambda: float(next(values)), warm_up=0)
    assert measure.measure(work, [fake_peer(OURS)], 2).readings == {OURS: [0.0, 1.0]}


def test_a_job_without_what_it_needs_is_named_with_the_reason() -> None:
    def never(peer: Peer, stack: ExitStack) -> None:
        raise AssertionError("it was prepared")

    work = Job("`a job`", "ms", never, (Target(1.0),), needs=("no-such-program", "its-package"))
    result = measure.measure(work, [fake_peer(OURS)], 1)
    run = table.Run((), {}, [(work, result)])
    assert table.missed(run) == []
    why = "no-such-program is not installed (Debian package its-package)"
    assert f"- no-such-program not in `a job`: {why}\n" in table.render(run)


# --- The image that is moved


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> sample.Sample:
    return sample.make(str(tmp_path_factory.mktemp("sample") / "it"), 2_000_000, 50)


def test_the_image_is_the_same_every_time(image: sample.Sample, tmp_path: Path) -> None:
    again = sample.make(str(tmp_path / "it"), 2_000_000, 50)
    assert again.documents == image.documents
    assert Path(again.packed).stat().st_size == Path(image.packed).stat().st_size


def test_the_image_has_its_files_and_shrinks_as_real_ones_do(image: sample.Sample) -> None:
    sizes = []
    for path in image.layers:
        with tarfile.open(path) as archive:
            sizes += [row.size for row in archive if row.isfile()]
    assert (len(image.layers), len(sizes), sum(sizes)) == (sample.LAYERS, 50, 2_000_000)
    assert 0.3 < sum(os.path.getsize(path) for path in image.layers) / sum(sizes) < 0.55


@pytest.mark.parametrize("form", ["layout", "packed", "plain"])
def test_the_image_is_one_in_all_its_forms(
    form: str, image: sample.Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers_attributes, "give", lambda *_, **__: None)  # nobody's root here
    where = getattr(image, form)
    if form == "layout":
        (found,) = image_load.load(str(tmp_path), where)
    else:
        with open(where, "rb") as file:
            (found,) = image_load.load(str(tmp_path), file)
    assert found.names == [sample.REFERENCE]
    assert found.id == f"sha256:{hashlib.sha256(image.documents[0]).hexdigest()}"
    layers = image_lookup.find(str(tmp_path), sample.REFERENCE).manifest["layers"]
    assert all(("gzip" in row["mediaType"]) == (form != "plain") for row in layers)


def test_a_stack_has_as_many_layers_as_it_says(image: sample.Sample, tmp_path: Path) -> None:
    bottom = tmp_path / "bottom.tar"
    with tarfile.open(bottom, "w") as archive:
        archive.add(__file__, "file")
    with tarfile.open(sample.stack(str(tmp_path), str(bottom), 7)) as archive:
        assert sum(name.endswith("layer.tar") for name in archive.getnames()) == 7


# --- One command


def test_a_command_is_timed_from_start_to_end(tmp_path: Path) -> None:
    spent = command.timed(["sleep", "0.05"], ENVIRONMENT, str(tmp_path / "output"))
    assert 50 <= spent < 5000


def test_the_memory_of_a_command_is_its_own() -> None:
    ours = b"x" * 300_000_000  # it is not charged with what we have
    script = "import sys; data = bytearray(b'x') * {}; print('to nobody')"
    argv = [sys.executable, "-ISc", script.format(80_000_000)]
    assert 80 < command.peak(argv, ENVIRONMENT) < 120
    assert command.peak(["true"], ENVIRONMENT) < 30
    with pytest.raises(command.Failed):
        command.peak(["false"], ENVIRONMENT)
    assert len(ours) == 300_000_000


def test_a_command_that_fails_is_told_by_its_last_words(tmp_path: Path) -> None:
    argv = ["sh", "-c", "echo first; echo 'the reason' >&2; echo >&2; exit 3"]
    with pytest.raises(command.Failed, match=r"^sh: the reason$"):
        command.timed(argv, ENVIRONMENT, str(tmp_path / "output"))
    with pytest.raises(command.Failed, match=r"^sh: the reason$"):
        command.call(argv, ENVIRONMENT)
    with pytest.raises(command.Failed, match=r"^false ended with 1$"):
        command.call(["false"], ENVIRONMENT)


# --- The table

RESULT = Result({OURS: [9.0, 1.0, 2.0], "runc": [4.0, 4.0, 1.0]}, {"crun": "it refuses"})


def run_of(work: Job, result: Result = RESULT) -> table.Run:
    return table.Run(("one machine",), {"docker": "dockerd is not installed"}, [(work, result)])


def test_ratios_are_of_the_medians_and_of_the_least() -> None:
    rows = [line for line in table.render(run_of(job())).splitlines() if "runc" in line]
    cells = [cell.strip() for cell in rows[0].split("|")]
    assert cells[2:7] == ["runc", "4.00", "1.00", "0.50", "1.00"]


@pytest.mark.parametrize(
    ("target", "held"),
    [
        (Target(0.5, "runc"), True),
        (Target(0.49, "runc"), False),
        (Target(2.0), True),
        (Target(1.9), False),
    ],
)
def test_a_target_is_held_up_to_its_limit(target: Target, held: bool) -> None:
    run = run_of(job(target))
    assert bool(table.missed(run)) != held
    assert ("**missed**" in table.render(run)) != held
    assert (" held " in table.render(run)) == held


def test_a_target_without_its_peer_is_no_target() -> None:
    run = run_of(job(Target(0.01, "docker")))
    assert table.missed(run) == []
    assert "missed" not in table.render(run)


def test_who_is_not_there_is_named_with_the_reason() -> None:
    text = table.render(run_of(job()))
    assert "- no docker: dockerd is not installed\n" in text
    assert "- crun not in `a job`: it refuses\n" in text
    assert text.startswith("- one machine\n")


def test_the_table_has_the_same_columns_in_every_line() -> None:
    lines = [line for line in table.render(run_of(job())).splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1
    assert {line.count("|") for line in lines} == {len(table.HEADINGS) + 1}


def test_the_table_goes_between_the_markers_again_and_again() -> None:
    document = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
    once = table.replace(document, "new\n")
    assert once == f"before\n{table.BEGIN}\n\nnew\n\n{table.END}\nafter\n"
    assert table.replace(once, "new\n") == once


@pytest.mark.parametrize("document", ["", table.BEGIN, f"{table.BEGIN}{table.BEGIN}{table.END}"])
def test_a_document_without_the_markers_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        table.replace(document, "new")


def test_the_readme_has_the_markers() -> None:
    table.replace((REPO / "benchmarks" / "README.md").read_text(), "new")


# --- The command line


def test_every_file_of_jobs_is_a_job() -> None:
    files = {path.stem for path in (REPO / "benchmarks" / "jobs").glob("*.py")} - {"__init__"}
    assert set(bench.jobs()) == files
    for name in files:
        found = importlib.import_module(f"benchmarks.jobs.{name}").JOB
        assert isinstance(found, Job)
        assert {target.peer for target in found.targets} <= {"", *bench.NAMES}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fast"], "there is no job fast: run, exec"),
        (["-n", "0"], "-n has to be at least 1"),
        (["--peer", "lxc"], "invalid choice: 'lxc'"),
        (["--write", "run"], "--write records all jobs"),
        (["--write", "-n", "19"], "in at least 20 rounds"),
        (["--write", "--peer", "runc"], "--write records all jobs and peers"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_done(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        bench.main(words)
    assert refusal.value.code == 2
    assert said in capsys.readouterr().err


# --- For real


def left_over(run: subprocess.Popen[str]) -> list[str]:
    """Name what *run* may have left: control groups and processes."""
    name = f"mini-docker-bench-{run.pid}"
    groups = Path("/sys/fs/cgroup")
    found = [str(path) for pattern in (name, f"*/{name}") for path in groups.glob(pattern)]
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes()
        except OSError:
            continue
        if name.encode() in words:
            found.append(words.replace(b"\0", b" ").decode())
    return found


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *words],
        cwd=REPO,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.e2e
def test_a_run_prints_its_table_and_leaves_nothing() -> None:
    with start("run", "exec", "-n", "1", "--peer", "unshare") as process:
        said, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint
    for words in ("`run --rm busybox true`", "`exec NAME true`", "mini-docker", "unshare"):
        assert words in said
    assert left_over(process) == []


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing(number: signal.Signals) -> None:
    with start("exec", "-n", "100000", "--peer", "unshare") as process:
        assert process.stderr
        assert "measuring exec" in process.stderr.readline()
        time.sleep(1)  # in the midst of it, a container running
        assert any("benchmarks.inside" in words for words in left_over(process))
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    if number == signal.SIGKILL:  # nobody was there to tidy up; the next run does
        deadline = time.monotonic() + 10
        while any("benchmarks.inside" in words for words in left_over(process)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with start("run", "-n", "1", "--peer", "unshare") as following:
            following.communicate(timeout=120)
        assert following.returncode == 0
    assert left_over(process) == []
