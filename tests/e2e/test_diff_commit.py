"""diff, commit, export and import from outside, killed on their way as well."""

from __future__ import annotations

import bz2
import gzip
import http.server
import io
import json
import lzma
import os
import signal
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Engine, until
from tests.e2e.test_crash import killed_at, settle

pytestmark = pytest.mark.e2e

SCRIPT = """
echo new > /new; mkdir -p /deep/er; touch /deep/er/file
echo more >> /etc/group; rm /etc/passwd
rm -r /home; mkdir /home; touch /home/me
ln -s /etc/shadow /link; ln /new /second; chmod 4755 /new
"""
LINES = [
    "A /deep", "A /deep/er", "A /deep/er/file", "C /etc", "C /etc/group", "D /etc/passwd",
    "C /home", "A /home/me", "A /link", "A /new", "A /second",
]  # fmt: skip


@pytest.fixture
def made(engine: Engine) -> Iterator[list[str]]:
    """The ids of images that a test has made: removed at its end."""
    before = ids(engine)
    found: list[str] = []
    yield found
    for name in engine.ok("ps", "-aq", "--no-trunc").split():
        engine("rm", "-f", name)
    while extra := [id for id in ids(engine) if id not in before]:
        results = [engine("rmi", "-f", id) for id in extra]
        assert any(result.code == 0 for result in results), results


def ids(engine: Engine) -> list[str]:
    return engine.ok("images", "-aq", "--no-trunc").split()


def image(engine: Engine, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(engine.ok("inspect", name))
    return found[0]


def test_diff_lists_what_the_container_did_and_nothing_else(engine: Engine) -> None:
    engine.ok("run", "--name", "box", "busybox", "sh", "-c", SCRIPT)
    assert engine.ok("diff", "box").splitlines() == LINES
    assert engine.ok("container", "diff", "box").splitlines() == LINES
    engine.ok("run", "--name", "idle", "busybox", "true")
    assert engine.ok("diff", "idle") == ""


def test_diff_of_one_that_runs(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", "touch /x; sleep 1000")
    until(lambda: engine.ok("diff", "box") == "A /x", "the file that it makes")
    engine.ok("exec", "box", "sh", "-c", "echo 1.2.3.4 other >> /etc/hosts")  # a mount: not its own
    assert engine.ok("diff", "box") == "A /x"


def test_diff_without_layers_or_container(engine: Engine, tmp_path: Path) -> None:
    engine("diff", "nobody").refused("No such container: nobody", code=1)
    (tmp_path / "root").mkdir()
    engine("run", "--name", "bare", "--rootfs", str(tmp_path / "root"), "/none")
    engine("diff", "bare").refused("container bare has no layers", str(tmp_path / "root"), code=1)
    engine("diff").refused("requires exactly 1 argument", code=1)


def test_commit_makes_an_image_of_it(engine: Engine, made: list[str]) -> None:
    engine.ok("run", "--name", "box", "-e", "A=1", "busybox", "sh", "-c", SCRIPT)
    words = ["-a", "Me <me@x>", "-m", "what it is", "-c", 'CMD ["cat", "/new"]']
    words += ["-c", 'ENV B="two words" C=$A', "-c", "EXPOSE 80 53/udp", "-c", "WORKDIR etc"]
    words += ["-c", "LABEL k=v", "-c", "USER 33", "-c", "VOLUME /data"]
    id = engine.ok("commit", *words, "box", "mine:1")
    found = image(engine, "mine:1")
    assert (found["Id"], found["RepoTags"], found["Author"]) == (id, ["mine:1"], "Me <me@x>")
    assert found["Comment"] == "what it is"
    config = found["Config"]
    assert config["Cmd"] == ["cat", "/new"]
    assert {"A=1", "B=two words", "C=1"} <= set(config["Env"])
    assert config["ExposedPorts"] == {"80/tcp": {}, "53/udp": {}}
    assert (config["WorkingDir"], config["User"], config["Labels"]) == (
        "/etc", "33", {"k": "v"},
    )  # fmt: skip
    script = "pwd; id -u; cat /new; ls -1 / /home; stat -c %a:%h /new; ls -1 /etc; readlink /link"
    out = engine.ok("run", "--rm", "mine:1", "sh", "-c", script).splitlines()
    assert out[:3] == ["/etc", "33", "new"]
    assert {"me", "second", "4755:2", "/etc/shadow"} <= set(out)
    assert "passwd" not in out
    layers = found["RootFS"]["Layers"]
    assert len(layers) == 2 and layers[0] == image(engine, "busybox")["RootFS"]["Layers"][0]


def test_commit_of_nothing_adds_no_layer(engine: Engine, made: list[str]) -> None:
    engine.ok("run", "--name", "box", "busybox", "true")
    id = engine.ok("commit", "box")
    assert len(image(engine, id)["RootFS"]["Layers"]) == 1
    assert image(engine, id)["RepoTags"] == []


def test_commits_upon_commits(engine: Engine, made: list[str]) -> None:
    name = "busybox"
    for number in range(3):
        script = f"echo {number} > /last; touch /file{number}; rm -f /file{number - 1}"
        engine.ok("run", "--name", f"box{number}", name, "sh", "-c", script)
        name = f"pile:{number}"
        engine.ok("commit", f"box{number}", name)
    out = engine.ok("run", "--rm", name, "sh", "-c", "cat /last; echo /file*")
    assert out.split() == ["2", "/file2"]


def test_a_running_container_is_paused_meanwhile(engine: Engine, made: list[str]) -> None:
    script = "while true; do echo >> /a; echo >> /b; done"
    engine.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", script)
    until(lambda: "A /b" in engine.ok("diff", "box"), "both files")
    engine.ok("commit", "box", "still")
    assert engine.inspect("box")["State"]["Status"] == "running"
    first, second = engine.ok("run", "--rm", "still", "sh", "-c", "wc -l < /a; wc -l < /b").split()
    assert int(first) - int(second) in (0, 1)
    engine.ok("commit", "--pause=false", "box", "moving")


def test_what_cannot_be_committed(engine: Engine, made: list[str], tmp_path: Path) -> None:
    engine.ok("run", "--name", "box", "busybox", "touch", "/.wh.x")
    engine("commit", "box").refused("cannot pack /.wh.x", code=1)
    engine("commit", "nobody").refused("No such container: nobody", code=1)
    engine("commit", "box", "Not/Valid").refused("must be lowercase", code=1)
    engine("commit", "-c", "RUN ls", "box").refused("RUN is not a valid change command", code=1)
    engine("commit", "-c", "EXPOSE x", "box").refused("invalid containerPort: x", code=1)
    engine("commit", "-c", "ENV A", "box").refused("ENV must have two arguments", code=1)
    assert len(ids(engine)) == 1


def test_export_is_the_whole_tree(engine: Engine, made: list[str], tmp_path: Path) -> None:
    engine.ok("run", "--name", "box", "busybox", "sh", "-c", SCRIPT)
    data = engine("export", "box").out
    engine.ok("export", "-o", str(tmp_path / "out.tar"), "box")
    assert (tmp_path / "out.tar").read_bytes() == data
    assert os.listdir(tmp_path) == ["out.tar"]
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = archive.getnames()
        assert archive.getmember("second").linkname == "new"
    assert {"bin/busybox", "home/me", "etc/group"} <= set(names)
    assert not {name for name in names if ".wh." in name} and "etc/passwd" not in names
    id = engine.ok("import", "-", "again", stdin=data)
    out = engine.ok("run", "--rm", "--entrypoint", "/bin/sh", id, "-c", "cat /new; ls /home")
    assert out.split() == ["new", "me"]


def test_export_to_a_bad_place(engine: Engine, tmp_path: Path) -> None:
    engine.ok("run", "--name", "box", "busybox", "true")
    words = ("export", "-o", f"{tmp_path}/no/x.tar", "box")
    engine(*words).refused(f'directory "{tmp_path}/no"', code=1)
    engine("export", "-o", str(tmp_path), "box").refused("is a directory", code=1)
    engine("export", "-o", "/dev/full", "box").refused("No space left on device", code=1)


def archive(**files: bytes) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as out:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            out.addfile(entry, io.BytesIO(data))
    return sink.getvalue()


@pytest.mark.parametrize("squeeze", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_import_reads_any_archive(
    engine: Engine, made: list[str], tmp_path: Path, squeeze: Any
) -> None:
    data = squeeze(archive(hello=b"text"))
    (tmp_path / "in").write_bytes(data)
    words = ["-m", "from far", "-c", 'ENTRYPOINT ["/hello"]', "--platform", "linux/arm64"]
    id = engine.ok("import", *words, str(tmp_path / "in"), "far:1")
    found = image(engine, id)
    assert (found["Architecture"], found["Comment"]) == ("arm64", "from far")
    assert found["Config"]["Entrypoint"] == ["/hello"]
    assert found["RepoTags"] == ["far:1"]
    blobs = [path.read_bytes() for path in (engine.root / "oci/blobs/sha256").iterdir()]
    assert (data in blobs) == (squeeze in (bytes, gzip.compress)), "kept as it came, if it can be"


class Server(http.server.BaseHTTPRequestHandler):
    data = b""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/it.tar" else 404)
        self.end_headers()
        self.wfile.write(self.data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_import_from_a_url(engine: Engine, made: list[str]) -> None:
    from mini_docker import loopback

    loopback.bring_up()
    Server.data = gzip.compress(archive(x=b"y"))
    with http.server.HTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        id = engine.ok("import", f"{url}/it.tar")
        refused = engine("import", f"{url}/other")
        server.shutdown()
        thread.join()
    assert image(engine, id)["Comment"] == f"Imported from {url}/it.tar"
    refused.refused(f"cannot download {url}/other: the server answers 404", code=1)
    engine("import", f"{url}/it.tar").refused("Connection refused", code=1)


def test_a_hostile_archive_is_refused_and_leaves_nothing(
    engine: Engine, made: list[str], tmp_path: Path
) -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as out:
        link = tarfile.TarInfo("etc")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        out.addfile(link)
        out.addfile(tarfile.TarInfo("etc/harm"))
    before = len(ids(engine))
    engine("import", "-", stdin=sink.getvalue()).refused("'etc/harm'", "symbolic link", code=1)
    engine("import", "-", stdin=b"no tar" * 1000).refused("it is no tar", code=1)
    engine("import", "-").refused("it is empty", code=1)
    engine("import", str(tmp_path / "none")).refused("no such file or directory", code=1)
    assert os.listdir(tmp_path) == []
    assert len(ids(engine)) == before


@pytest.mark.parametrize("delay", [0.0, 0.12, 0.2, 0.3, 0.5])
def test_killed_on_its_way_a_commit_leaves_nothing(
    engine: Engine, made: list[str], delay: float
) -> None:
    script = "head -c 40000000 /dev/urandom > /b; mv /b /big; sleep 1000"
    engine.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", script)
    until(lambda: engine.ok("diff", "box") == "A /big", "the file")
    before = ids(engine)
    process = engine.popen("commit", "box", "half:done", start_new_session=True)
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    until(lambda: engine.inspect("box")["State"]["Status"] == "running", "the container runs on")
    listed = ids(engine)
    if listed == before:
        assert engine("inspect", "half:done").code == 1
    engine("system", "check", "--repair")
    assert engine("system", "check").out == b"everything is in order\n"
    engine.ok("commit", "box", "half:done")
    assert engine.ok("run", "--rm", "half:done", "sh", "-c", "wc -c < /big") == "40000000"


@pytest.mark.parametrize("start", [1, 2, 3])
def test_a_commit_killed_at_every_step(engine: Engine, made: list[str], start: int) -> None:
    """A third of the steps at a time: after each, no image, or a whole one; and no leftovers."""
    engine.ok("run", "--name", "box", "busybox", "sh", "-c", SCRIPT)
    before = ids(engine)
    for step in range(start, 600, 3):
        code = killed_at(engine, step, "commit", "box", "half:done")
        settle(engine, step)
        listed = engine("run", "--rm", "half:done", "cat", "/new")
        assert listed.code == 125 or listed.out == b"new\n", (step, listed)
        if listed.code == 0:
            engine.ok("rmi", "half:done")
        assert ids(engine) == before, step
        if code == 0:
            break
    assert code == 0 and step > 12, "strace has not killed anything: is its syntax another one?"
    settle(engine, 0)
