"""Images on the command line: names, lists, removal, archives, and who may not go."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import pty
import re
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mini_docker import sizes
from tests.e2e import archives
from tests.e2e.conftest import Engine, _mounts

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.e2e

HELLO = b"Hello from a container!"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Engine]:
    """The engine with a root of its own, which has no images."""
    engine = Engine(tmp_path / "own")
    before = _mounts()
    yield engine
    for id in engine.ok("ps", "-aq").split():
        engine.ok("rm", "-f", id)
    assert engine("system", "check").out == b"everything is in order\n"
    assert _mounts() == before
    whole(engine)


def whole(engine: Engine) -> None:
    """Check that nothing unfinished lies in the store."""
    root = engine.root
    if (root / "oci").exists():
        assert not [*(root / "oci/ingest").iterdir(), *(root / "oci/leases").iterdir()]
        assert not [path for path in (root / "layers").iterdir() if path.name[0] == "."]


def load(engine: Engine, files: dict[str, bytes]) -> str:
    """Load an archive of *files*; return what that prints."""
    return engine.ok("load", stdin=archives.packed(files))


def contents(root: Path) -> tuple[int, int]:
    """Return how many blobs and layers there are."""
    folders = root / "oci/blobs/sha256", root / "layers"
    return len(list(folders[0].iterdir())), len(list(folders[1].iterdir()))


def image(engine: Engine, name: str) -> dict[str, Any]:
    """Return what image inspect says."""
    found: list[dict[str, Any]] = json.loads(engine.ok("image", "inspect", name))
    return found[0]


def test_hello_world_is_one_file_from_scratch(own: Engine) -> None:
    own.ok("image", "bootstrap", "hello-world")
    result = own("run", "--rm", "hello-world")
    assert result.code == 0 and result.out.strip().startswith(HELLO)
    assert own("run", "--rm", "hello-world", "sh").code == 127
    (files,) = (own.root / "layers").glob("*/diff")
    assert os.listdir(files) == ["hello"]


def test_the_same_busybox_gives_the_same_digest_everywhere(own: Engine, root: Path) -> None:
    os.umask(0o077)
    made = own.ok("image", "bootstrap", "busybox")
    os.umask(0o022)
    assert made.endswith(image(Engine(root), "busybox")["Id"])
    assert "is there already" in own.ok("image", "bootstrap", "busybox")
    index = json.loads((own.root / "oci/index.json").read_text())
    assert len(index["manifests"]) == 1


def test_a_tag_is_one_more_name(own: Engine) -> None:
    load(own, archives.docker(["one:1"]))
    own.ok("tag", "one:1", "localhost:5000/two/x")
    id = image(own, "one:1")["Id"]
    assert image(own, "localhost:5000/two/x")["Id"] == id
    assert image(own, id[7:19])["RepoTags"] == ["one:1", "localhost:5000/two/x:latest"]
    own("tag", "one:1", "Bad").refused("must be lowercase", "Bad", code=1)
    own("tag", "none", "x").refused("No such image: none:latest", code=1)
    own("tag", "one:1", f"x@sha256:{'0' * 64}").refused("digest", code=1)


def test_a_name_that_reads_like_a_digest_is_refused(own: Engine) -> None:
    load(own, archives.docker(["one:1"]))
    words = "refusing to create an ambiguous tag using digest algorithm as name"
    own("tag", "one:1", "sha256:abc").refused(words, code=1)
    own("tag", "one:1", "docker.io/library/sha256").refused(words, code=1)
    own("import", "-", "sha256:abc", stdin=archives.HELLO).refused(words, code=1)
    own("load", stdin=archives.packed(archives.docker(["sha256:abc"]))).refused(words, code=1)
    own.ok("run", "--name", "box", "one:1")
    own("commit", "box", "sha256:abc").refused(words, code=1)
    own.ok("tag", "one:1", "me/sha256:abc")
    assert "sha256:abc" not in own.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split()


def test_a_damaged_blob_is_replaced_by_what_brings_it_again(own: Engine, tmp_path: Path) -> None:
    made = own.ok("image", "bootstrap", "busybox")
    own.ok("save", "-o", str(tmp_path / "x.tar"), "busybox")
    blobs = sorted((own.root / "oci/blobs/sha256").iterdir())
    assert len(blobs) == 3
    again = (["load", "-i", str(tmp_path / "x.tar")], ["image", "bootstrap", "busybox"])
    for blob in blobs:
        for words in again:
            data = blob.read_bytes()
            blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
            assert own("image", "verify").code == 1
            said = own.ok(*words)
            assert "is there already" not in said, (blob, words)
            assert blob.read_bytes() == data
            assert own("image", "verify").code == 0
    assert own.ok("image", "bootstrap", "busybox") == made.replace("made", "is there already")


def test_ps_shows_an_image_whose_name_is_another_s_by_its_id(own: Engine) -> None:
    load(own, archives.docker(["one:latest"]))
    old = image(own, "one")["Id"]
    for number, name in enumerate(("one", "docker.io/library/one:latest", old[7:15])):
        own.ok("run", "--name", f"box{number}", name)

    def shown(*flags: str) -> list[str]:
        return own.ok("ps", "-a", "--format", "{{.Image}}", *flags).splitlines()[::-1]

    names = ["one", "docker.io/library/one:latest", old[7:15]]
    assert shown() == names
    own.ok("tag", "one", "kept")
    load(own, archives.docker(["one:latest"], [archives.HELLO]))
    assert shown() == [old[7:19], old[7:19], old[7:15]]
    assert shown("--no-trunc") == [old, old, old[7:15]]
    own.ok("tag", "kept", "one")
    assert shown() == names
    own.ok("rmi", "-f", "one", "kept")
    assert shown() == [old[7:19], old[7:19], old[7:15]]


def test_a_name_that_moves_leaves_an_untagged_image(own: Engine) -> None:
    load(own, archives.docker(["it:1"]))
    old = image(own, "it:1")["Id"]
    said = load(own, archives.docker(["it:1"], [archives.HELLO]))
    assert said.splitlines() == [
        f"The image it:1 already exists, renaming the old one with ID {old} to empty string",
        "Loaded image: it:1",
    ]
    rows = own.ok("images", "--format", "{{.Repository}} {{.Tag}} {{.ID}}").splitlines()
    assert f"<none> <none> {old[7:19]}" in rows and len(rows) == 2
    assert own.ok("images", "-q", "--filter", "dangling=true") == old[7:19]
    assert old[7:19] not in own.ok("images", "-q", "--filter", "dangling=false")
    pruned = own.ok("image", "prune", "-f").splitlines()
    assert pruned[:2] == ["Deleted Images:", f"deleted: {old}"]
    assert re.fullmatch(r"Total reclaimed space: \d+(\.\d+)?k?B", pruned[-1])
    assert own.ok("run", "--rm", "it:1").startswith(HELLO.decode())
    assert contents(own.root) == (3, 1)


def test_images_is_filtered(own: Engine) -> None:
    load(own, archives.docker(["me/one:1", "me/one:2"], Labels={"team": "red", "x": ""}))
    load(own, archives.docker(["two:latest"], [archives.HELLO]))
    own.ok("image", "bootstrap", "hello-world")

    def listed(*words: str) -> list[str]:
        return own.ok("images", "--format", "{{.Repository}}:{{.Tag}}", *words).splitlines()

    assert listed("me/one") == ["me/one:1", "me/one:2"]
    assert listed("me/one:2") == listed("docker.io/me/one:2") == ["me/one:2"]
    assert listed("me/*:1") == ["me/one:1"] and listed("*") == ["hello-world:latest", "two:latest"]
    assert listed("--filter", "reference=t*") == ["two:latest"]
    assert listed("--filter", "label=team") == listed("--filter", "label=team=red")
    assert listed("--filter", "label=team=blue") == listed("me") == []
    assert listed("--filter", "since=two") == ["hello-world:latest"]
    before = listed("--filter", "before=hello-world")
    assert sorted(before) == ["me/one:1", "me/one:2", "two:latest"]
    own("images", "--filter", "colour=red").refused("invalid filter 'colour'", code=1)
    own("images", "--filter", "dangling=perhaps").refused("dangling=perhaps", code=1)


def test_images_prints_dockers_columns(own: Engine) -> None:
    load(own, archives.docker(["me/one:1"]))
    id = image(own, "me/one:1")["Id"]
    header, row = own.ok("images").splitlines()
    assert header.split("   ")[0] == "REPOSITORY" and "IMAGE ID" in header
    assert row.split()[:3] == ["me/one", "1", id[7:19]]
    header, row = own.ok("images", "--digests", "--no-trunc").splitlines()
    assert header.split()[:4] == ["REPOSITORY", "TAG", "DIGEST", "IMAGE"]
    assert row.split()[:4] == ["me/one", "1", "<none>", id]
    (line,) = own.ok("images", "--format", "json").splitlines()
    assert json.loads(line)["CreatedAt"] == "2020-02-03 04:05:06 +0000 UTC"
    assert own.ok("images", "-q", "--no-trunc") == id


def test_rmi_untags_and_deletes_in_dockers_words(own: Engine) -> None:
    load(own, archives.docker(["one:1", "two:1"]))
    it = image(own, "one:1")
    id, short = it["Id"], it["Id"][7:19]
    own("rmi", short).refused(
        f"conflict: unable to delete {short} (must be forced) - image is referenced in multiple "
        "repositories",
        code=1,
    )
    assert own.ok("rmi", "one:1") == "Untagged: one:1"
    lines = own.ok("rmi", short).splitlines()
    diff = [archives.digest(layer) for layer in (archives.HELLO, archives.SECOND)]
    chain = archives.digest(f"{diff[0]} {diff[1]}".encode())
    assert lines == [
        "Untagged: two:1", f"Deleted: {id}", f"Deleted: {chain}", f"Deleted: {diff[0]}"
    ]  # fmt: skip
    assert contents(own.root) == (0, 0)
    own("rmi", "one:1").refused("No such image: one:1", code=1)
    assert own("rmi", "-f", "one:1").code == 0


def test_rmi_keeps_what_another_image_shares(own: Engine) -> None:
    load(own, archives.docker(["one:1"]))
    load(own, archives.docker(["two:1"], [archives.HELLO]))
    lines = own.ok("rmi", "one:1").splitlines()
    assert len([line for line in lines if line.startswith("Deleted")]) == 2
    assert own.ok("run", "--rm", "two:1").startswith(HELLO.decode())
    assert own.ok("image", "verify").startswith("two:1: config, 1 layer:")


def test_rmi_tells_of_a_layer_behind_the_last_image_that_had_it(own: Engine) -> None:
    load(own, archives.docker(["one:1"]))
    load(own, archives.docker(["two:1"], [archives.HELLO]))
    low, high = image(own, "one:1")["Id"], image(own, "two:1")["Id"]
    lines = own.ok("rmi", "one:1", "two:1").splitlines()
    shared = f"Deleted: {archives.digest(archives.HELLO)}"
    assert lines.index(f"Deleted: {high}") < lines.index(shared)
    assert lines.index(f"Deleted: {low}") + 2 == lines.index("Untagged: two:1")
    assert len(lines) == 6


def test_rmi_spares_what_containers_use(own: Engine) -> None:
    load(own, archives.docker(["one:1"]))
    short = image(own, "one:1")["Id"][7:19]
    own.ok("run", "--name", "user", "one:1")
    container = own.inspect("user")["Id"][:12]
    own("rmi", "one:1").refused(
        'unable to remove repository reference "one:1" (must force)',
        f"container {container} is using its referenced image {short}",
        code=1,
    )
    stopped = f"image is being used by stopped container {container}"
    own("rmi", short).refused("(must be forced)", stopped, code=1)
    own.ok("tag", "one:1", "two:1")
    assert own.ok("rmi", "two:1") == "Untagged: two:1"
    assert own.ok("rmi", "-f", "one:1").startswith("Untagged: one:1\nDeleted: sha256:")
    assert own.ok("images", "-aq") == ""
    assert contents(own.root) == (0, 2), "the container's layers have gone"
    own.ok("rm", "user")
    own.ok("image", "prune", "-f")
    assert contents(own.root) == (0, 0)


def test_rmi_of_an_image_that_runs_is_not_forced(own: Engine) -> None:
    own.ok("image", "bootstrap", "busybox")
    own.ok("run", "-d", "--name", "user", "busybox", "sleep", "1000")
    short = image(own, "busybox")["Id"][7:19]
    own("rmi", "-f", short).refused("(cannot be forced)", "used by running container", code=1)
    assert own.ok("rmi", "-f", "busybox") == "Untagged: busybox:latest"
    assert own.ok("images", "-q") == short  # untagged, and there
    assert own.ok("exec", "user", "echo", "alive") == "alive"
    assert own.ok("image", "prune", "-af") == "Total reclaimed space: 0B"


def test_history_and_inspect_tell_what_the_config_says(own: Engine) -> None:
    fields: dict[str, Any] = {
        "Env": ["A=1"], "User": "7:8", "WorkingDir": "/w", "Labels": {"l": "v"},
        "StopSignal": "INT",
        "Volumes": {"/data": {}}, "ExposedPorts": {"80/tcp": {}}, "Entrypoint": ["/hello"],
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 10**9},
    }  # fmt: skip
    load(own, archives.docker(["one:1"], **fields))
    header, top, bottom = own.ok("history", "one:1").splitlines()
    assert header.split()[0] == "IMAGE" and "CREATED BY" in header
    assert top.split()[0] == image(own, "one:1")["Id"][7:19] and "step 1" in top
    assert bottom.split()[0] == "<missing>" and "step 0" in bottom
    sizes = own.ok("history", "-H=false", "--format", "{{.Size}}", "one:1").splitlines()
    assert sizes == ["4", str(len(archives.PROGRAM))]
    assert own.ok("history", "-q", "--no-trunc", "one:1").splitlines()[1] == "<missing>"
    found = image(own, "one:1")
    assert {key: found["Config"][key] for key in fields} == fields
    assert found["RootFS"]["Layers"] == list(
        map(archives.digest, (archives.HELLO, archives.SECOND))
    )
    own.ok("run", "--name", "box", "-e", "B=2", "--label", "m=n", "one:1")
    config = own.inspect("box")["Config"]
    for key in ("Volumes", "ExposedPorts", "StopSignal", "Healthcheck", "User", "WorkingDir"):
        assert config[key] == fields[key], key
    assert config["Labels"] == {"l": "v", "m": "n"}
    assert {"A=1", "B=2"} <= set(config["Env"])
    result = own("image", "inspect", "none")
    assert (result.code, result.out) == (1, b"[]\n"), result
    assert result.err == b"mini-docker: No such image: none:latest\n"


@pytest.mark.parametrize(
    ("entrypoint", "command", "flags", "words", "expected"),
    [
        (None, ["echo", "c"], (), (), "c"),
        (None, ["echo", "c"], (), ("echo", "d"), "d"),
        (["echo", "e"], ["c"], (), (), "e c"),
        (["echo", "e"], ["c"], (), ("d",), "e d"),
        (["echo", "e"], None, (), (), "e"),
        (["echo", "e"], ["c"], ("--entrypoint", "printf"), ("%s", "x"), "x"),
        (["echo", "e"], ["c"], ("--entrypoint", ""), ("echo", "d"), "d"),
        (["echo", "e"], ["c"], ("--entrypoint", "pwd"), (), "/"),
        (["sh", "-c", "echo $0 $1"], ["c"], (), ("x", "y"), "x y"),
    ],
)
def test_entrypoint_and_cmd(
    engine: Engine, root: Path, tmp_path: Path, entrypoint: Any, command: Any, flags: Any,
    words: Any, expected: str,
) -> None:  # fmt: skip
    """The table, on an image that differs from busybox in its config alone."""
    files = _reconfigured(engine, tmp_path, Entrypoint=entrypoint, Cmd=command)
    engine.ok("load", stdin=archives.packed(files))
    try:
        assert engine.ok("run", "--rm", *flags, "table:1", *words) == expected
    finally:
        engine.ok("rmi", "table:1")


def _reconfigured(engine: Engine, folder: Path, **fields: Any) -> dict[str, bytes]:
    """Return a Docker archive of busybox with another config."""
    engine.ok("save", "-o", str(folder / "box.tar"), "busybox")
    files = {}
    with tarfile.open(folder / "box.tar") as archive:
        for it in archive:
            found = archive.extractfile(it)
            assert found
            files[it.name] = found.read()
    (row,) = json.loads(files["manifest.json"])
    document = json.loads(files[row["Config"]])
    document["config"] = {**document["config"], **fields}
    row |= {"Config": "c.json", "RepoTags": ["table:1"]}
    kept = {name: files[name] for name in row["Layers"]}
    return {
        **kept, "c.json": json.dumps(document).encode(), "manifest.json": json.dumps([row]).encode()
    }  # fmt: skip


def test_nothing_to_run_is_refused(engine: Engine, tmp_path: Path) -> None:
    engine("run", "--rm", "--entrypoint", "", "busybox").refused("no command specified")


def test_the_working_directory_is_made(engine: Engine) -> None:
    assert engine.ok("run", "--rm", "-w", "/new/deep", "busybox", "pwd") == "/new/deep"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress, lzma.compress])
@pytest.mark.parametrize("make", [archives.docker, archives.layout])
def test_load_reads_both_kinds_compressed_or_not(own: Engine, pack: Any, make: Any) -> None:
    names = ["me/it:2"] if make is archives.docker else "me/it:2"
    data = pack(archives.packed(make(names)))
    assert own.ok("load", "-q", stdin=data) == "Loaded image: me/it:2"
    assert own.ok("run", "--rm", "me/it:2").startswith(HELLO.decode())
    id = archives.digest(archives.config([archives.HELLO, archives.SECOND]))
    assert image(own, "me/it:2")["Id"] == id
    (own.root / "archive").write_bytes(data)
    assert own.ok("load", "-i", str(own.root / "archive")) == "Loaded image: me/it:2"


def test_load_takes_a_layout_in_a_directory_and_layers_of_any_compression(own: Engine) -> None:
    files = archives.docker(None)
    row = json.loads(files["manifest.json"])[0]
    files[row["Layers"][0]] = gzip.compress(files[row["Layers"][0]])
    files[row["Layers"][1]] = zstd.compress(files[row["Layers"][1]])
    id = archives.digest(archives.config([archives.HELLO, archives.SECOND]))
    assert load(own, files) == f"Loaded image ID: {id}"
    folder = archives.written(own.root.parent / "lay", archives.layout("latest"))
    assert own.ok("load", "-i", str(folder)) == f"Loaded image ID: {id}"
    assert own.ok("run", "--rm", id[7:15]).startswith(HELLO.decode())
    assert "2 layers" in own.ok("image", "verify")


def test_an_index_of_platforms_gives_ours(own: Engine) -> None:
    ours = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    mine = archives.layout("x", row={"platform": {"os": "linux", "architecture": ours}})
    alien = archives.layout(
        "x", [archives.SECOND], {"platform": {"os": "linux", "architecture": "s390x"}}
    )
    rows = [json.loads(it["index.json"])["manifests"][0] for it in (alien, mine)]
    inner = json.dumps({"schemaVersion": 2, "manifests": rows}).encode()
    entry: dict[str, Any] = {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": archives.digest(inner),
        "size": len(inner),
        "annotations": {"io.containerd.image.name": "docker.io/library/multi:1"},
    }
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    files = {**mine, f"blobs/sha256/{entry['digest'][7:]}": inner, "index.json": index}
    assert load(own, files) == "Loaded image: multi:1"


def test_save_and_load_bring_back_the_same_bytes(own: Engine, tmp_path: Path) -> None:
    load(own, archives.docker(["one:1", "one:2", "other:1"]))
    own.ok("image", "bootstrap", "hello-world")
    first, second = tmp_path / "a.tar", tmp_path / "b.tar"
    own.ok("save", "-o", str(first), "one", "hello-world:latest", "other:1")
    before = own.ok("images", "--no-trunc")
    own.ok("rmi", "-f", *own.ok("images", "-q").split())
    assert contents(own.root) == (0, 0)
    said = own.ok("load", "-i", str(first)).splitlines()
    assert said == [
        f"Loaded image: {name}" for name in ("one:1", "one:2", "other:1", "hello-world:latest")
    ]
    assert own.ok("images", "--no-trunc") == before
    result = own("save", "one", "hello-world:latest", "other:1")
    second.write_bytes(result.out)
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        members = archive.getnames()
        assert len(members) == len(set(members))
        for it in archive:
            found = archive.extractfile(it)
            if found and it.name.startswith("blobs/"):
                assert archives.digest(found.read()) == f"sha256:{it.name[13:]}"


def test_save_refuses_a_terminal_and_a_damaged_blob(own: Engine, tmp_path: Path) -> None:
    load(own, archives.docker(["one:1"]))
    master, terminal = pty.openpty()
    result = own("save", "one:1", stdout=terminal)
    os.close(terminal)
    os.close(master)
    assert result.code == 1 and b"cowardly refusing to save to a terminal" in result.err
    blob = own.root / "oci/blobs/sha256" / archives.digest(archives.SECOND)[7:]
    blob.write_bytes(blob.read_bytes().replace(b"two", b"2wo"))
    out = tmp_path / "x.tar"
    own("save", "-o", str(out), "one:1").refused(
        "is damaged", archives.digest(archives.SECOND), code=1
    )
    assert list(tmp_path.iterdir()) == [own.root]
    own("image", "verify").refused("one:1", "is damaged", code=1)
    own("save", "-o", str(tmp_path / "no/x"), "one:1").refused("no", "does not exist", code=1)


def test_load_refuses_a_terminal(own: Engine) -> None:
    master, terminal = pty.openpty()
    with own.popen("load", stdin=terminal) as process:
        _, err = process.communicate(timeout=60)
    os.close(terminal)
    os.close(master)
    assert process.returncode == 1 and b"stdin is empty" in err


def hostile() -> Iterator[tuple[str, bytes, str]]:
    """Yield archives that must be refused: what they are, their bytes, part of the message."""
    good = archives.docker(["it:1"])
    row = json.loads(good["manifest.json"])[0]
    lay = archives.layout("it:1")
    second = f"blobs/sha256/{archives.digest(archives.SECOND)[7:]}"
    entry = json.loads(lay["index.json"])["manifests"][0]

    def manifest(**fields: Any) -> bytes:
        return archives.packed({**good, "manifest.json": json.dumps([{**row, **fields}]).encode()})

    def index(**fields: Any) -> bytes:
        rows = {"manifests": [{**entry, **fields}]}
        return archives.packed({**lay, "index.json": json.dumps(rows).encode()})

    yield "empty", b"", "neither of docker save nor an image layout"
    yield "no tar", b"x" * 2000, "no tar"
    yield "no image", archives.packed({"etc/passwd": b""}), "neither"
    yield "cut short", archives.packed(good)[:3000], "cut short"
    yield "damaged gzip", gzip.compress(archives.packed(good))[:-30], "cut short"
    yield "ancient", archives.packed({"repositories": b"{}"}), "before 1.10"
    yield "config elsewhere", manifest(Config="../../../../etc/passwd"), "no file"
    yield "layer elsewhere", manifest(Layers=["/etc/passwd", row["Layers"][1]]), "no file"
    yield "a layer too few", manifest(Layers=row["Layers"][:1]), "1 layers and 2 diff ids"
    yield "layers swapped", manifest(Layers=row["Layers"][::-1]), "diff id"
    yield "bad tag", manifest(RepoTags=["../x:1"]), "invalid name"
    yield "bad tags", manifest(RepoTags=[{"a": 1}]), "invalid name"
    yield "no list", manifest(Layers="abc"), "wrong type"
    yield "no objects", archives.packed({**good, "manifest.json": b"[1]"}), "manifest.json"
    yield "no JSON", archives.packed({**good, "manifest.json": b"{"}), "not JSON"
    yield "deep JSON", archives.packed({**good, "manifest.json": b"[" * 10**6}), "nested"
    yield "huge document", archives.packed({**good, "manifest.json": b" " * 2**23}), "larger than"
    yield "wrong layer", archives.packed({**lay, second: b"x" * len(archives.SECOND)}), "should be"
    yield "short layer", archives.packed({**lay, second: archives.SECOND[:100]}), ""
    yield "long layer", archives.packed({**lay, second: archives.SECOND + b"x"}), "larger than"
    yield "digest is a path", index(digest="sha256:../../../../etc/passwd"), "invalid digest"
    yield "no digest", index(digest=None), "unsupported digest"
    yield "wrong digest", index(digest=f"sha256:{'0' * 64}"), "no file"
    yield "wrong size", index(size=1), "is not what it should be"
    yield "size is text", index(size="1"), "without a size"
    circle = [("manifest.json", "b", tarfile.SYMTYPE), ("b", "manifest.json", tarfile.SYMTYPE)]
    yield "circle", archives.tar([], circle), "circles"
    outside = [("manifest.json", "/etc/passwd", tarfile.SYMTYPE)]
    yield "link out", archives.tar([], outside), "neither"
    outside = [("manifest.json", "../../etc/passwd", tarfile.LNKTYPE)]
    yield "hard link out", archives.tar([], outside), "neither"
    evil = archives.tar([("../../evil", b"x", 0o644)])
    yield "layer leads out", archives.packed(archives.docker(["it:1"], [evil])), "evil"
    evil = archives.tar([("etc/passwd", b"x", 0o644)], [("etc", "/etc", tarfile.SYMTYPE)])
    yield "layer through a link", archives.packed(archives.docker(["it:1"], [evil])), "etc/passwd"
    many = [archives.layer((str(n), b"", 0o644)) for n in range(501)]
    yield "501 layers", archives.packed(archives.docker(["it:1"], many)), "501"
    wrong: dict[str, Any] = {"Env": "x", "Cmd": [1], "User": 7, "Labels": {"a": 1}, "Volumes": 1}
    for field, value in wrong.items():
        files = archives.docker(["it:1"], None, **{field: value})
        yield f"{field} is wrong", archives.packed(files), "wrong type"


HOSTILE = list(hostile())


@pytest.mark.parametrize(("data", "why"), [it[1:] for it in HOSTILE], ids=[it[0] for it in HOSTILE])
def test_a_hostile_archive_is_refused_in_one_line(own: Engine, data: bytes, why: str) -> None:
    own("load", stdin=data).refused(why, code=1)
    assert own.ok("images", "-aq") == ""
    whole(own)
    assert not Path("/evil").exists()


def test_links_inside_an_old_archive_stand_for_their_files(own: Engine) -> None:
    """docker save wrote a layer that occurs twice as a link, until version 25."""
    files = archives.docker(["it:1"], [archives.HELLO, archives.SECOND])
    (row,) = json.loads(files["manifest.json"])
    name = "copy/layer.tar"
    row["Layers"][1] = name
    kept = {**files, "manifest.json": json.dumps([row]).encode()}
    target = f"../{archives.digest(archives.SECOND)[7:]}/layer.tar"
    links = [(name, target, tarfile.SYMTYPE)]
    data = archives.tar(((n, d, 0o644) for n, d in kept.items()), links)
    assert own.ok("load", stdin=data) == "Loaded image: it:1"


def test_prune_asks_first_and_spares_what_is_used(own: Engine) -> None:
    load(own, archives.docker(["used:1"]))
    load(own, archives.docker(["free:1"], [archives.HELLO], Labels={"keep": "1"}))
    own.ok("run", "--name", "user", "used:1")
    said = own("image", "prune", "-a", stdin=b"n\n")
    assert said.code == 0 and b"WARNING! This will remove all images without" in said.out
    assert len(own.ok("images", "-q").split()) == 2
    assert "Total reclaimed space: 0B" in own.ok(
        "image", "prune", "-f", "-a", "--filter", "label!=keep"
    )
    assert "reclaimed space: 0B" in own.ok("image", "prune", "-fa", "--filter", "until=2000-01-01")
    assert "untagged: free:1" in own.ok("image", "prune", "-fa", "--filter", "until=1h")
    assert own.ok("images", "--format", "{{.Repository}}") == "used"


def test_system_df_counts_bytes_once(own: Engine) -> None:
    load(own, archives.docker(["one:1"]))
    load(own, archives.docker(["two:1"], [archives.HELLO]))
    size = len(archives.PROGRAM) + 4
    rows = [json.loads(it) for it in own.ok("system", "df", "--format", "json").splitlines()]
    assert [row["Type"] for row in rows[:2]] == ["Images", "Containers"]
    assert (rows[0]["TotalCount"], rows[0]["Active"]) == ("2", "0")
    assert rows[0]["Reclaimable"] == f"{rows[0]['Size']} (100%)"
    details = own.ok("system", "df", "-v")
    line = next(line for line in details.splitlines() if line.startswith("one "))
    assert line.split()[-4:] == [f"{size}B", f"{size - 4}B", "4B", "0"]


def test_the_graph_shows_shared_layers(own: Engine, tmp_path: Path) -> None:
    load(own, archives.docker(["one:1"]))
    load(own, archives.docker(["two:1"], [archives.HELLO]))
    text = own.ok("image", "graph")
    shared = archives.digest(archives.HELLO)
    assert text.count(f'-> "layer {shared}"') == 2 and '"one:1"' in text
    own.ok("image", "graph", "-o", str(tmp_path / "x.svg"), "two:1")
    drawn = (tmp_path / "x.svg").read_text()
    assert "two:1" in drawn and "one:1" not in drawn
    own.ok("image", "graph", "--format", "png", "-o", str(tmp_path / "x"))
    assert (tmp_path / "x").read_bytes().startswith(b"\x89PNG")
    own("image", "graph", "--format", "pdf").refused("pdf", "dot, svg, png", code=1)
    own("image", "graph", "--format", "svg", env={"PATH": "/nowhere"}).refused("graphviz", code=1)


def test_parents_stay_for_their_children_and_go_with_the_last(own: Engine) -> None:
    own.ok("image", "bootstrap", "busybox")
    base = image(own, "busybox")["Id"]
    ids: list[str] = []
    for number in range(2):
        own.ok("run", "--name", "step", "busybox" if not ids else "mid", "touch", f"/{number}")
        ids.append(own.ok("commit", "step", "mid" if not number else "top"))
        own.ok("rm", "step")
    assert image(own, "top")["Parent"] == ids[0] and image(own, "mid")["Parent"] == base
    rows = own.ok("history", "-q", "--no-trunc", "top").splitlines()
    assert rows[:2] == [ids[1], ids[0]] and rows[2] == base
    own("rmi", base[7:19]).refused("image has dependent child images", code=1)
    own("rmi", "-f", ids[0][7:19]).refused("(cannot be forced)", "dependent child", code=1)
    assert own.ok("rmi", "-f", "mid") == "Untagged: mid:latest"
    assert ids[0][7:19] not in own.ok("images", "-q") and ids[0][7:19] in own.ok("images", "-aq")
    assert own.ok("images", "-q", "--filter", "dangling=true") == ""  # it has a child
    assert own.ok("image", "prune", "-f") == "Total reclaimed space: 0B"
    own.ok("tag", "top", "again")
    own.ok("rmi", "top")
    lines = own.ok("rmi", "--no-prune", "again").splitlines()
    assert lines[:2] == ["Untagged: again:latest", f"Deleted: {ids[1]}"] and len(lines) == 3
    assert own.ok("images", "-q", "--filter", "dangling=true") == ids[0][7:19]
    own.ok("tag", ids[0], "mid")
    own.ok("run", "--name", "step", "mid", "touch", "/new")
    top = own.ok("commit", "step")
    own.ok("rm", "step")
    own("rmi", "-f", "mid")
    lines = own.ok("rmi", top[7:19]).splitlines()
    assert f"Deleted: {top}" in lines and f"Deleted: {ids[0]}" in lines, lines
    assert own.ok("images", "-aq") == base[7:19]


def test_debian_needs_its_tool_and_its_archive(own: Engine, tmp_path: Path) -> None:
    words = ("image", "bootstrap", "debian")
    own(*words, env={"PATH": "/nowhere"}).refused("install the package mmdebstrap", code=1)
    own(*words, "--suite", "x y").refused("x y", "release", code=1)
    own(*words, "--mirror", "ftp://x/").refused("ftp://x/", "archive", code=1)
    mirror = f"file://{tmp_path}/nothing"
    own(*words, "--suite", "bookworm", "--mirror", mirror).refused(mirror, "could not", code=1)
    own("image", "bootstrap", "fedora").refused("busybox, hello-world, debian", code=1)
    own("image", "bootstrap", "--suite", "sid", "busybox").refused("debian", code=1)
    assert own.ok("images", "-aq") == ""


def test_a_transfer_under_way_keeps_what_it_needs(own: Engine) -> None:
    """What a living lease names is not pruned; what a dead one names is."""
    load(own, archives.docker(["one:1"]))
    code = (
        "import sys; from mini_docker.image_transfer import Transfer\n"
        "with Transfer(sys.argv[1]) as it:\n"
        "    assert it.has_blob(sys.argv[2]) and it.has_layer(sys.argv[2])\n"
        "    print('ready', flush=True); sys.stdin.read()\n"
    )
    hello = archives.digest(archives.HELLO)
    command = [sys.executable, "-c", code, str(own.root), hello]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        own.ok("rmi", "one:1")
        assert contents(own.root) == (1, 1)
        process.kill()
    own.ok("image", "prune", "-f")
    assert contents(own.root) == (0, 0)


def test_a_template_finds_go_s_kinds_of_nothing(own: Engine) -> None:
    """Docker applies it to Go's records, where what was never set prints as [] or map[]."""
    load(own, archives.docker(["one:1"]))
    own.ok("run", "--name", "box", "one:1")
    for name, form, wanted in (
        ("box", "{{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}", "[] []"),
        ("box", "{{.Config.Entrypoint}} {{.HostConfig.Tmpfs}}", "[] map[]"),
        ("box", "{{.HostConfig.PidsLimit}} {{len .HostConfig.CapAdd}}", "<nil> 0"),
        ("box", "{{json .HostConfig.CapAdd}} {{json .HostConfig.PidsLimit}}", "null null"),
        ("box", "{{if .State.Health}}yes{{else}}no{{end}}", "no"),
        ("box", "{{.HostConfig.Init}} {{json .HostConfig.Init}}", "<nil> null"),
        ("box", "{{range .HostConfig.Binds}}x{{else}}none{{end}}", "none"),
        ("one:1", "{{.Config.ExposedPorts}} {{.Config.Volumes}}", "map[] map[]"),
        ("one:1", "{{.Config.Healthcheck}} {{.Config.Shell}} {{.Config.Env}}", "<nil> [] []"),
    ):
        assert own.ok("inspect", "-f", form, name) == wanted, form
    assert "ExposedPorts" not in own.ok("inspect", "-f", "{{json .Config}}", "one:1")


def test_a_broken_template_is_refused_in_docker_s_words_and_codes(own: Engine) -> None:
    load(own, archives.docker(["one:1"]))
    parsing = "template parsing error: template: :1: "
    own("inspect", "-f", "{{.Id", "one:1").refused(parsing, "unclosed action", code=64)
    own("inspect", "-f", "{{.Id", "none").refused(parsing, code=64)
    for form, words in (
        ("{{.Nonsense}}", 'map has no entry for key "Nonsense"'),
        ("{{.Config.Healthcheck.Test}}", 'map has no entry for key "Healthcheck"'),
    ):
        result = own("inspect", "-f", form, "one:1")
        assert (result.code, result.out) == (1, b"\n")
        assert result.err.startswith(b"mini-docker: template parsing error: template: :1:")
        assert words.encode() in result.err and len(result.err.splitlines()) == 1
    own("images", "--format", "{{.ID").refused(parsing, code=1)
    own("images", "--format", "{{.Nonsense}}").refused("template parsing error: ", code=1)


def test_what_cannot_be_opened_or_fetched_is_told_in_docker_s_words(own: Engine) -> None:
    told = "open nosuch.tar: no such file or directory"
    own("load", "-i", "nosuch.tar").refused(told, code=1)
    own("import", "nosuch.tar").refused(told, code=1)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/x.tar"
        result = own("import", url)
    assert result.code == 1
    assert result.err.decode() in (
        f"mini-docker: cannot download {url}: Connection refused\n",
        f"mini-docker: cannot download {url}: Network is unreachable\n",  # no loopback here
    )


def test_system_df_adds_up(own: Engine) -> None:
    load(own, archives.docker(["one:1"]))
    load(own, archives.docker(["two:1"], [archives.HELLO]))
    blobs = sum(path.stat().st_size for path in (own.root / "oci/blobs/sha256").iterdir())
    lines = own.ok("system", "df", "-v").splitlines()
    told = f"Blobs of the images, beside their unpacked files: {sizes.human_size(blobs)}"
    assert lines[-1] == told
    files = len(archives.PROGRAM) + 4
    whole = own.ok("system", "df", "--format", "{{.Type}} {{.Size}}").splitlines()[0]
    assert whole == f"Images {sizes.human_size(files + blobs)}"
