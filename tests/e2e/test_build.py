"""build: what it prints, what it reuses and refuses, and what it says of a failure."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.builds import Shell, build, built, config, root, shape, shell, written
from tests.e2e.conftest import REPO, Engine

pytestmark = pytest.mark.e2e
__all__ = ["root", "shell"]  # fixtures

STEPS = """\
FROM busybox
RUN echo hi && echo err >&2
COPY a /b/
ENV x=1 \\
    y=2
CMD ["cat", "/b/a"]
"""


def ran(output: str) -> list[int]:
    """Return the numbers of the steps that were carried out, not taken from the cache."""
    steps = re.split(r"^Step (\d+)/\d+ : ", output, flags=re.MULTILINE)[1:]
    pairs = zip(steps[::2], steps[1::2], strict=True)
    return [int(n) for n, text in pairs if "Using cache" not in text and text[:4] != "FROM"]


def output(engine: Engine, folder: Path, dockerfile: str, *flags: str) -> str:
    """Return what a build prints that must succeed."""
    result = build(engine, folder, dockerfile, *flags)
    assert result.code == 0, result
    return result.out.decode()


# --- what it prints


def test_the_classic_lines(engine: Engine, tmp_path: Path) -> None:
    written(tmp_path, {"a": "content\n"})
    out = output(engine, tmp_path, STEPS, "-t", "me/x", "-t", "y:2", "--no-cache")
    lines = shape(out)
    assert [line for line in lines if line != "err"] == [
        "Step 1/5 : FROM busybox",
        " ---> ID",
        "Step 2/5 : RUN echo hi && echo err >&2",
        " ---> Running in ID",
        "hi",
        "Removing intermediate container ID",
        " ---> ID",
        "Step 3/5 : COPY a /b/",
        " ---> ID",
        "Step 4/5 : ENV x=1     y=2",
        " ---> ID",
        'Step 5/5 : CMD ["cat", "/b/a"]',
        " ---> ID",
        "Successfully built ID",
        "Successfully tagged me/x:latest",
        "Successfully tagged y:2",
    ]
    id = config(engine, "me/x")["Id"]
    assert f"Successfully built {id[7:19]}" in out and config(engine, "y:2")["Id"] == id
    assert engine.ok("run", "--rm", "me/x") == "content"


def test_the_same_build_again_is_all_cached(engine: Engine, tmp_path: Path) -> None:
    written(tmp_path, {"a": "1"})
    first = output(engine, tmp_path, STEPS)
    again = output(engine, tmp_path, STEPS)
    assert ran(again) == []
    assert again.count(" ---> Using cache\n") == 4
    assert again.splitlines()[-1] == first.splitlines()[-1]
    assert ran(output(engine, tmp_path, STEPS, "--no-cache")) == [2, 3, 4, 5]


def test_quiet_prints_the_id_alone(engine: Engine, tmp_path: Path) -> None:
    result = build(engine, tmp_path, "FROM busybox\nRUN echo out\n", "-q", "-t", "q")
    assert (result.code, result.err) == (0, b"")
    assert result.out.decode() == f"{config(engine, 'q')['Id']}\n"
    bad = build(engine, tmp_path, "FROM busybox\nRUN echo out; exit 3\n", "-q")
    assert (bad.code, bad.out) == (3, b"")
    assert b"out\n" in bad.err and b"returned a non-zero code: 3" in bad.err
    again = build(engine, tmp_path, "FROM busybox\nRUN echo out\n", "--progress=quiet")
    assert again.out == result.out and again.err == b""
    json = engine("build", "--progress", "rawjson", str(tmp_path))
    json.refused("rawjson is not supported", code=1)


def test_output_comes_while_the_step_runs(engine: Engine, tmp_path: Path) -> None:
    written(tmp_path, {"Dockerfile": "FROM busybox\nRUN echo early; sleep 3; echo late\n"})
    with engine.popen("build", "--no-cache", str(tmp_path)) as process:
        assert process.stdout
        while (line := process.stdout.readline()) != b"early\n":
            assert line and line != b"late\n"
        early = time.monotonic()
        rest = process.stdout.read()
        process.wait()
    assert b"late" in rest and time.monotonic() - early > 2


def test_the_moving_lines_on_a_terminal(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox\nRUN echo early; sleep 1; printf 'a\\rb\\033[2J'; exit 0\n"
    written(tmp_path, {"Dockerfile": text})
    master, slave = pty.openpty()
    environment = {"TERM": "xterm"}
    words = ("build", "--no-cache", str(tmp_path))
    with engine.popen(*words, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            shown += piece
            if not piece:
                break
        assert process.wait() == 0, shown
    os.close(master)
    assert b"   early\x1b[K" in shown and re.search(rb"   0\.\ds\x1b\[K", shown), shown
    assert b"\x1b[2J" not in shown, "the command steers our terminal"
    assert re.search(rb" ---> [0-9a-f]{12}  1\.\ds\r\n", shown)
    kept = shown[: shown.index(b"Removing intermediate")].rpartition(b"\x1b[J")[2]
    assert kept == b"early\r\na\\rb\\x1b[2J\r\n", "its output stays"


# --- failures


def test_a_step_that_fails(engine: Engine, tmp_path: Path) -> None:
    result = build(engine, tmp_path, "FROM busybox\nRUN echo good >/x\nRUN echo out; exit 7\n")
    assert result.code == 7
    assert b"out\n" in result.out
    err = result.err.decode()
    assert "Dockerfile:3\n" in err and "   3 | >>> RUN echo out; exit 7\n" in err
    assert err.splitlines()[-1] == (
        "mini-docker: The command '/bin/sh -c echo out; exit 7' returned a non-zero code: 7"
    )
    found = re.search(r"mini-docker run -it ([0-9a-f]{12}) sh", err)
    assert found and engine.ok("run", "--rm", found[1], "cat", "/x") == "good"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("FROM busybox\nCOPY apple.txt /\n", ["COPY failed", "apple.txt", "apples.txt"]),
        ("FROM busybox\nCOPY ../x /\n", ["COPY failed", "../x"]),
        ("FROM busybox\nCOPY hidden /\n", ["COPY failed", "hidden", ".dockerignore"]),
        ("FROM busybox\nCOPY nothing* /\n", ["COPY failed", "nothing*"]),
        ("FROM busybox\nCOPY apples.txt x /d\n", ["COPY", "directory", "/"]),
        ("FRM busybox\n", ["line 1", "unknown instruction: FRM", "FROM"]),
        ("FROM busybox\nRUN true\nCPOY a b\n", ["line 3", "CPOY", "COPY"]),
        ("", ["empty"]),
        ("# only a comment\n", ["no instructions"]),
        ("RUN true\n", ["FROM"]),
        ("FROM busybox\nFROM\n", ["line 2", "FROM requires"]),
        ("FROM busybox AS a\nCOPY --from=b /x /x\n", ["b"]),
        ("FROM a AS b\nFROM b AS a\n", ["a"]),
        ("FROM busybox\nONBUILD FROM x\n", ["line 2", "FROM isn't allowed as an ONBUILD trigger"]),
        ("FROM busybox\nONBUILD ONBUILD RUN x\n", ["line 2", "ONBUILD"]),
        ("FROM busybox\nEXPOSE 99999\n", ["99999"]),
        ("FROM busybox\nHEALTHCHECK --interval=x CMD y\n", ["interval"]),
        ("FROM busybox\nUSER nobody-here\nRUN true\n", ["nobody-here"]),
        ('FROM busybox\nRUN ["nosuchcommand"]\n', ["nosuchcommand", "executable file not found"]),
        ("FROM busybox\nSTOPSIGNAL SIGNOTHING\n", ["invalid signal: SIGNOTHING"]),
        ("FROM busybox\nCOPY my file /\n", ['"my file"', 'JSON form: ["my file", "."]']),
        ("FROM busybox\nCOPY --chown=who:what apples.txt /\n", ["who"]),
        ("FROM busybox\nRUN --mount=type=what true\n", ["what"]),
        ("FROM busybox\nRUN --mount=type=ssh true\n", ["ssh"]),
        ("FROM busybox\nRUN --mount=type=secret,id=no,required=true true\n", ["no", "secret"]),
        ("FROM $nothing\n", ["line 1", "base name ($nothing) should not be blank"]),
        ("FROM nosuch.invalid/image:1\n", ["nosuch.invalid"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    engine: Engine, tmp_path: Path, text: str, parts: list[str]
) -> None:
    files = {"apples.txt": "", "x": "", "my file": "", "hidden": ""}
    written(tmp_path, {**files, ".dockerignore": "hidden\n"})
    result = build(engine, tmp_path, text)
    assert result.code == 1, result
    lines = result.err.decode().splitlines()
    last = lines[-1]
    assert last.startswith("mini-docker: "), result
    assert all(line[:1] == " " or "Dockerfile:" in line or "---" in line or "good image" in line
               for line in lines[:-1]), result  # fmt: skip
    for part in parts:
        assert part in last, result
    assert "bug" not in last and "Traceback" not in result.err.decode()


def test_a_link_out_of_the_context_leads_nowhere(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    context = written(tmp_path / "c", {"Dockerfile": "FROM busybox\nCOPY d/secret /\n"})
    (context / "d").symlink_to("..")
    (context / "e").symlink_to("../secret")
    engine("build", str(context)).err.decode().index("COPY failed")
    written(context, {"Dockerfile": "FROM busybox\nCOPY . /x/\n"})
    id = engine.ok("build", "-q", str(context))
    assert engine.ok("run", "--rm", id, "readlink", "/x/e") == "../secret", "a link stays one"


def test_a_dockerfile_of_1_mb(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox\n" + "".join(f"LABEL l{n % 50}={'x' * 1000}\n" for n in range(40))
    start = time.monotonic()
    assert built(engine, tmp_path, text + "# " + "y" * 900_000 + "\n")
    assert time.monotonic() - start < 20
    written(tmp_path, {"Dockerfile": "FROM busybox\n" + "#\n" * 2**20})
    engine("build", str(tmp_path)).refused("Dockerfile", code=1)


# --- the cache


def test_a_change_reruns_all_after_it(engine: Engine, tmp_path: Path) -> None:
    written(tmp_path, {"a": "1", "b": "1"})
    text = "FROM busybox\nRUN echo {0}\nCOPY a /\nRUN true\nCOPY b /\nENV e={1}\n"
    output(engine, tmp_path, text.format("x", 1))
    assert ran(output(engine, tmp_path, text.format("x", 1))) == []
    assert ran(output(engine, tmp_path, text.format("x", 2))) == [6]
    written(tmp_path, {"b": "2"})
    assert ran(output(engine, tmp_path, text.format("x", 2))) == [5, 6]
    written(tmp_path, {"a": "2"})
    assert ran(output(engine, tmp_path, text.format("x", 2))) == [3, 4, 5, 6]
    assert ran(output(engine, tmp_path, text.format("y", 2))) == [2, 3, 4, 5, 6]
    written(tmp_path, {"a": "1"})
    assert ran(output(engine, tmp_path, text.format("x", 2))) == [], "all is as it was once"


def test_times_do_not_count_and_modes_do(engine: Engine, tmp_path: Path) -> None:
    written(tmp_path, {"d/a": "1", "d/b": "2"})
    text = "FROM busybox\nCOPY d /d\n"
    output(engine, tmp_path, text)
    os.utime(tmp_path / "d/a", (1, 1))
    assert ran(output(engine, tmp_path, text)) == []
    (tmp_path / "d/a").chmod(0o755)
    assert ran(output(engine, tmp_path, text)) == [2]
    (tmp_path / "d/c").symlink_to("a")
    assert ran(output(engine, tmp_path, text)) == [2]
    (tmp_path / "d/c").unlink()
    (tmp_path / "d/b").rename(tmp_path / "d/c")
    assert ran(output(engine, tmp_path, text)) == [2]


def test_a_file_that_changes_and_keeps_its_size_and_time(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox\nCOPY a /\n"
    for content in ("one", "two", "six"):
        written(tmp_path, {"a": content})
        os.utime(tmp_path / "a", (1, 1))
        id = built(engine, tmp_path, text)
        assert engine.ok("run", "--rm", id, "cat", "/a") == content


def test_arguments_count_from_where_they_are_seen(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox\nRUN echo before\nARG v=1\nRUN echo $v\nRUN echo after\n"
    output(engine, tmp_path, text, "--build-arg", "v=2")
    assert ran(output(engine, tmp_path, text, "--build-arg", "v=2")) == []
    changed = ran(output(engine, tmp_path, text, "--build-arg", "v=3"))
    assert 2 not in changed and {4, 5} <= set(changed)
    late = "FROM busybox\nRUN echo first\nARG v\n"
    out = output(engine, tmp_path, late, "--build-arg", "unused=1", "--build-arg", "v=1")
    assert "[Warning] One or more build-args [unused] were not consumed" in out


def test_what_is_ignored_does_not_count(engine: Engine, tmp_path: Path) -> None:
    written(tmp_path, {".dockerignore": "log\n", "log": "1", "a": "1"})
    text = "FROM busybox\nCOPY . /x/\n"
    output(engine, tmp_path, text)
    written(tmp_path, {"log": "2", "sub/": ""})
    (tmp_path / "sub").rmdir()
    assert ran(output(engine, tmp_path, text)) == []


def test_an_image_serves_as_a_cache_after_a_prune(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox\nRUN date +%N >/now\nCOPY a /a\nCMD cat /now\n"
    written(tmp_path, {"a": "1"})
    id = built(engine, tmp_path, text, "-t", "kept:1")
    now = engine.ok("run", "--rm", "kept:1")
    archive = tmp_path.parent / "kept.tar"
    engine.ok("save", "-o", str(archive), "kept:1")
    engine.ok("rmi", "kept:1")
    engine.ok("builder", "prune", "-af")
    engine.ok("image", "prune", "-f")
    engine.ok("load", "-i", str(archive))
    out = output(engine, tmp_path, text, "--cache-from", "kept:1", "-t", "new:1")
    assert ran(out) == [], out
    assert engine.ok("run", "--rm", "new:1") == now and config(engine, "kept:1")["Id"] == id


def test_builder_prune(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox\nRUN echo prune\nRUN --mount=type=cache,target=/c touch /c/x\n"
    built(engine, tmp_path, text)
    assert ran(output(engine, tmp_path, text)) == []
    row = engine.ok("system", "df", "--format", "{{.Type}}|{{.TotalCount}}").splitlines()[-1]
    assert row.startswith("Build Cache|") and int(row.partition("|")[2]) > 2
    out = engine.ok("builder", "prune", "-a", "-f")
    assert "Total reclaimed space: " in out and out.count("\n") > 2
    assert ran(output(engine, tmp_path, text)) == [2, 3]
    assert engine.ok("builder", "prune", stdin=b"n\n").endswith("[y/N]")


def test_builder_prune_of_what_is_old_or_too_much(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox\nRUN echo old\n"
    built(engine, tmp_path, text)
    engine.ok("builder", "prune", "-a", "-f", "--filter", "until=1h")
    engine.ok("builder", "prune", "-a", "-f", "--keep-storage", "1g")
    assert ran(output(engine, tmp_path, text)) == []
    engine.ok("builder", "prune", "-a", "-f", "--filter", "until=0s")
    assert ran(output(engine, tmp_path, text)) == [2]
    engine("builder", "prune", "-f", "--filter", "id=1").refused("until=... alone", code=1)
    engine("buildx", "ls").refused("'buildx ls' is not supported: there is one builder", code=1)
    engine("buildx", "bake").refused("run 'mini-docker build' for each", code=1)


def test_events_of_a_build(engine: Engine, tmp_path: Path) -> None:
    """Docker tells of each name that the image gets."""
    id = built(engine, tmp_path, "FROM busybox\nENV e=1\n", "-t", "told:1", "-t", "told:2")
    form = "{{.Actor.ID}} {{.Action}} {{.Actor.Attributes.name}}"
    words = ("events", "--since", "1h", "--until", "0s", "--filter", "type=image")
    rows = engine.ok(*words, "--format", form).splitlines()
    assert rows[-2:] == [f"{id} tag told:1", f"{id} tag told:2"]


# --- what comes out


def test_the_same_digest_for_the_same_time(engine: Engine, tmp_path: Path) -> None:
    """SOURCE_DATE_EPOCH: two builds in two stores, of files with other times, all after it."""
    text = "FROM busybox\nCOPY d /d\nRUN echo x >/x; mkdir /y\nLABEL a=b\n"
    ids = []
    for number in range(2):
        other = Engine(tmp_path / f"root{number}")
        other.ok("image", "bootstrap", "busybox")
        context = written(tmp_path / f"c{number}", {"Dockerfile": text, "d/a": "1", "d/e/b": "2"})
        os.utime(context / "d/a", (17 * 10**8 + number, 17 * 10**8 + number))
        environment = {"SOURCE_DATE_EPOCH": "1600000000"}
        ids.append(other.ok("build", "-q", "--no-cache", str(context), env=environment))
        time.sleep(1.1)
    assert ids[0] == ids[1]


def test_labels_and_the_platform(engine: Engine, tmp_path: Path) -> None:
    id = built(
        engine, tmp_path, "FROM busybox\nLABEL a=1 b=1\n", "--label", "b=2", "--label", "c=3"
    )
    assert config(engine, id)["Config"]["Labels"] == {"a": "1", "b": "2", "c": "3"}


def test_a_target_and_stages_that_nobody_needs(engine: Engine, tmp_path: Path) -> None:
    text = (
        "FROM busybox AS one\nRUN echo 1 >/n\nFROM nosuch.invalid/x AS never\nRUN false\n"
        "FROM one AS two\nRUN echo 2 >>/n\nFROM busybox\nCOPY --from=one /n /n\n"
    )
    last = built(engine, tmp_path, text)
    assert engine.ok("run", "--rm", last, "cat", "/n") == "1"
    for target in ("two", "TWO", "2"):
        id = built(engine, tmp_path, text, "--target", target)
        assert engine.ok("run", "--rm", id, "cat", "/n") == "1\n2"
    build(engine, tmp_path, text, "--target", "tow").refused("tow", "two", code=1)


def test_independent_stages_are_built_side_by_side(engine: Engine, tmp_path: Path) -> None:
    step = "cat /proc/uptime >/{0}; sleep 2; cat /proc/uptime >>/{0}"
    stages = [f"FROM busybox AS {name}\nRUN {step.format(name)}\n" for name in "ab"]
    copies = "FROM busybox\nCOPY --from=a /a /\nCOPY --from=b /b /\n"
    id = built(engine, tmp_path, "".join(stages) + copies, "--no-cache")
    lines = engine.ok("run", "--rm", id, "cat", "/a", "/b").splitlines()
    begins, ends, begins_too, ends_too = (float(line.split()[0]) for line in lines)
    assert begins < ends_too and begins_too < ends


def test_history_and_the_intermediate_images(engine: Engine, tmp_path: Path) -> None:
    written(tmp_path, {"a": "1"})
    built(engine, tmp_path, STEPS, "-t", "h:1")
    shown = engine.ok("history", "--no-trunc", "--format", "{{.CreatedBy}}", "h:1").splitlines()
    assert len(shown) == 5
    assert "echo hi && echo err >&2" in shown[3] and "COPY" in shown[2] and "CMD" in shown[0]


def test_limits_hold_in_a_step(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox\nRUN ulimit -n; df -k /dev/shm | tail -1; cat /proc/sys/kernel/shmmax\n"
    flags = ("--ulimit", "nofile=123:123", "--shm-size", "8m", "-m", "64m", "--no-cache")
    out = output(engine, tmp_path, text, *flags)
    assert "123" in out.splitlines() and " 8192 " in out


def test_a_step_cannot_see_the_host(engine: Engine, tmp_path: Path) -> None:
    """A RUN is a container as any other: its own pids, no mounts to make, masked paths."""
    text = (
        "FROM busybox\nRUN mount -t tmpfs x /tmp && exit 9 || true\nRUN test $$ -lt 10\n"
        "RUN ! cat /proc/kcore\nRUN ! ls /proc/1/root/work\n"
        "RUN grep -q Seccomp.*2 /proc/self/status\n"
        'RUN --network=none test "$(ls /sys/class/net)" = lo\n'
    )
    output(engine, tmp_path, text, "--no-cache")


def test_the_context_and_the_cache_mounts_are_not_in_the_image(
    engine: Engine, tmp_path: Path
) -> None:
    written(tmp_path, {"big": b"x" * 10**6})
    text = "FROM busybox\nRUN --mount=type=bind,target=/m cp /m/big /small\n"
    text += "RUN --mount=type=cache,target=/m cp /small /m/; rm /small\n"
    id = built(engine, tmp_path, text)
    assert engine("run", "--rm", id, "ls", "/m/big", "/m/small").code == 1


def test_the_iidfile_is_written_in_the_end_alone(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path.parent / f"{tmp_path.name}.id"
    path.write_text("old")
    assert build(engine, tmp_path, "FROM busybox\nRUN false\n", "--iidfile", str(path)).code == 1
    assert not path.exists()
    id = built(engine, tmp_path, "FROM busybox\n", "--iidfile", str(path))
    assert path.read_text() == id
    result = build(engine, tmp_path, "FROM busybox\n", "--iidfile", "/no/such/file")
    result.refused("cannot write the image ID to /no/such/file", code=1)


def test_a_bad_name_is_refused_before_anything_is_built(engine: Engine, tmp_path: Path) -> None:
    result = build(engine, tmp_path, "FROM busybox\nRUN echo built >&2\n", "-t", "Bad//Name")
    assert result.code == 125 and b"built" not in result.err and result.out == b"", result
    for name in ("", "a:b:c", "-x"):
        result = engine("build", f"--tag={name}", str(tmp_path))
        words = f'invalid argument "{name}" for "-t, --tag" flag: invalid reference format'
        result.refused(words, code=125)


def test_a_student_is_told_what_a_build_needs(engine: Engine, tmp_path: Path) -> None:
    """Before the first step, in one line; the checks alone need nothing but the builder."""
    done = ("processes", "namespaces", "rootfs", "images", "builder")
    topics = {topic: {"borrowed": True} for topic in done}
    written(tmp_path, {"progress.json": json.dumps({"topics": topics})})
    written(tmp_path, {"Dockerfile": "FROM busybox\nRUN true\nCOPY Dockerfile /\n"})
    environment = {"MINI_DOCKER_PROGRESS": str(tmp_path / "progress.json")}
    refused = engine("build", str(tmp_path), env=environment)
    refused.refused(
        "`build` needs lab 8, layers: run `lab start 8`, or `lab borrow layers`", code=1
    )
    assert engine("build", "--check", str(tmp_path), env=environment).code == 0


def test_workdir_belongs_to_the_user(engine: Engine, tmp_path: Path) -> None:
    """BuildKit makes it, and what is missing above it, as the USER; of what is there it is not."""
    user = "RUN echo me:x:77:77::/:/bin/sh >>/etc/passwd"
    text = f"FROM busybox\n{user}\nWORKDIR /first\nUSER me\nWORKDIR /first/a/b\n"
    id = built(engine, tmp_path, text)
    found = engine.ok("run", "--rm", id, "stat", "-c", "%u:%g %n", "/first", "/first/a", ".")
    assert found.splitlines() == ["0:0 /first", "77:77 /first/a", "77:77 ."]
    id = built(engine, tmp_path, "FROM busybox\nUSER 5:6\nWORKDIR /n\n")
    assert engine.ok("run", "--rm", id, "stat", "-c", "%u:%g", "/n") == "5:6"
    # The same path for another user is another step.
    assert built(engine, tmp_path, "FROM busybox\nUSER 7\nWORKDIR /n\n") != id


def test_a_trigger_is_read_with_the_escape_of_its_dockerfile(
    engine: Engine, tmp_path: Path
) -> None:
    written(tmp_path, {"a b": "x"})
    text = "# escape=`\nFROM busybox AS a\nONBUILD ENV p=c:\\d` e\nFROM a\n"
    id = built(engine, tmp_path, text)
    assert "p=c:\\d e" in config(engine, id)["Config"]["Env"]


def test_warnings_of_the_build_checks(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox as x\nENV PASSWORD=1\nCMD echo $nope\n"
    out = output(engine, tmp_path, text)
    assert " 3 warnings found (use --check to expand):" in out
    assert " - JSONArgsRecommended: " in out and "(line 3)" in out
    checked = build(engine, tmp_path, text, "--check")
    assert checked.code == 1 and b"WARNING: FromAsCasing" in checked.out
    fine = build(engine, tmp_path, "FROM busybox\n", "--check")
    assert (fine.code, fine.out) == (0, b"Check complete, no warnings found.\n")
    failing = build(engine, tmp_path, f"# check=error=true\n{text}")
    assert failing.code == 1 and b"lint violation found" in failing.err


def test_the_imports_of_a_cached_build(engine: Engine, tmp_path: Path) -> None:
    """What is not needed is not loaded: a build that is all cached takes no network, no YAML."""
    built(engine, tmp_path, "FROM busybox\nRUN echo i\n")
    program = (
        "import sys; from mini_docker.cli.main import main\n"
        f"code = main(['--root', {str(engine.root)!r}, 'build', '-q', {str(tmp_path)!r}])\n"
        "print(*sorted({'urllib3', 'ssl', 'http.client', 'asyncio', 'email'} & {*sys.modules}))\n"
    )
    program = f"import sys; sys.path.insert(0, {str(REPO)!r})\n{program}"
    done = subprocess.run(
        ["/usr/bin/python3", "-IS", "-c", program],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[1].strip() == "", done.stdout
    json.dumps(done.stdout)


def test_a_pipe_is_closed_early(shell: Shell) -> None:
    shell.ok("printf 'FROM busybox\\nRUN seq 100000\\n' > Dockerfile")
    shell.ok("docker build --no-cache . | head -1")
