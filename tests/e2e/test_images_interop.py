"""skopeo, umoci and buildah: what we save they read, what they write we load and run.

They are the distribution's packages. Everything happens in files of the test's own: skopeo and
umoci need nothing else, buildah gets its storage and its run-time directory there too.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import archives
from tests.e2e.conftest import Engine
from tests.e2e.test_images import image, load, own

pytestmark = pytest.mark.e2e
__all__ = ["own"]  # a fixture

NAME = "docker.io/library/busybox:latest"


def tool(*words: str | Path, **options: Any) -> str:
    """Run a program of the distribution's; return what it prints."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}"
    return str(done.stdout)


@pytest.fixture
def box(own: Engine) -> Engine:
    """The engine with busybox, and an archive of it beside its root."""
    own.ok("image", "bootstrap", "busybox")
    own.ok("save", "-o", str(own.root.parent / "box.tar"), "busybox")
    return own


class Buildah:
    """buildah with a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self.command = ["buildah", "--root", str(folder / "storage"), "--runroot"]
        self.command += [str(folder / "run"), "--storage-driver", "vfs"]

    def __call__(self, *words: str) -> str:
        return tool(*self.command, *words).strip()


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[Buildah]:
    """buildah, whose containers are removed in the end."""
    it = Buildah(tmp_path)
    yield it
    it("rm", "--all")


def digests(manifest: str) -> list[str]:
    """Return the digests of config and layers in the text of a manifest."""
    found = json.loads(manifest)
    return [row["digest"] for row in (found["config"], *found["layers"])]


def test_the_store_itself_is_a_layout_that_skopeo_and_umoci_read(box: Engine) -> None:
    layout = box.root / "oci"
    found = json.loads(tool("skopeo", "inspect", f"oci:{layout}:{NAME}"))
    index = json.loads((layout / "index.json").read_text())
    assert found["Digest"] == index["manifests"][0]["digest"]
    assert tool("umoci", "ls", "--layout", layout).split() == [NAME]
    stat = json.loads(tool("umoci", "stat", "--json", "--image", f"{layout}:{NAME}"))
    assert stat["history"][0]["created_by"].startswith("mini-docker image")


@pytest.mark.parametrize("transport", ["docker-archive", "oci-archive"])
def test_skopeo_reads_what_we_save(box: Engine, tmp_path: Path, transport: str) -> None:
    """As a Docker archive its layers count uncompressed; as a layout their blobs."""
    name = f":{NAME}" if transport == "docker-archive" else ":latest"
    source = f"{transport}:{tmp_path / 'box.tar'}{name}"
    it = image(box, "busybox")
    config = json.loads(tool("skopeo", "inspect", "--config", source))
    assert config["rootfs"]["diff_ids"] == it["RootFS"]["Layers"]
    assert digests(tool("skopeo", "inspect", "--raw", source))[0] == it["Id"]
    tool("skopeo", "copy", "-q", source, f"dir:{tmp_path / 'copy'}")
    if transport == "oci-archive":
        raw = (tmp_path / "copy/manifest.json").read_bytes()
        assert archives.digest(raw) == it["Descriptor"]["digest"]


def test_umoci_unpacks_what_we_save_to_the_same_files(box: Engine, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "box.tar") as archive:
        archive.extractall(tmp_path / "layout")
    bundle = tmp_path / "bundle"
    tool("umoci", "unpack", "--image", f"{tmp_path / 'layout'}:latest", bundle)
    (ours,) = (box.root / "layers").glob("*/diff")
    tool("diff", "-r", "--no-dereference", ours, bundle / "rootfs")
    for path in ours.rglob("*"):
        mine, theirs = path.lstat(), (bundle / "rootfs" / path.relative_to(ours)).lstat()
        for field in ("st_mode", "st_uid", "st_gid", "st_nlink", "st_mtime_ns"):
            assert getattr(mine, field) == getattr(theirs, field), (path, field)


def test_buildah_pulls_what_we_save_under_the_same_id(
    box: Engine, tmp_path: Path, buildah: Buildah
) -> None:
    for source in ("docker-archive", "oci-archive"):
        id = buildah("pull", "-q", f"{source}:{tmp_path / 'box.tar'}")
        assert f"sha256:{id}" == image(box, "busybox")["Id"]


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive", "oci"])
def test_what_skopeo_writes_we_load(box: Engine, tmp_path: Path, kind: str) -> None:
    target = tmp_path / ("out" if kind == "oci" else "out.tar")
    source = f"docker-archive:{tmp_path / 'box.tar'}:{NAME}"
    tool("skopeo", "copy", "-q", source, f"{kind}:{target}:me/copy:1")
    id = image(box, "busybox")["Id"]
    box.ok("rmi", "busybox")
    assert box.ok("load", "-i", str(target)) == "Loaded image: me/copy:1"
    assert image(box, "me/copy:1")["Id"] == id
    assert box.ok("run", "--rm", "me/copy:1", "echo", "runs") == "runs"
    box.ok("image", "verify")
    if kind == "oci":
        row = json.loads((target / "index.json").read_text())["manifests"][0]
        assert image(box, "me/copy:1")["Descriptor"]["digest"] == row["digest"]


@pytest.mark.parametrize("form", ["gzip", "zstd"])
def test_layers_that_skopeo_compresses_anew_keep_the_image_id(
    box: Engine, tmp_path: Path, form: str
) -> None:
    words = ["--dest-compress", "--dest-compress-format", form, "--format", "oci"]
    source = f"docker-archive:{tmp_path / 'box.tar'}:{NAME}"
    tool("skopeo", "copy", "-q", *words, source, f"dir:{tmp_path / 'dir'}")
    manifest = json.loads((tmp_path / "dir/manifest.json").read_text())
    layer = (tmp_path / "dir" / manifest["layers"][0]["digest"][7:]).read_bytes()
    assert layer[:2] == (b"\x1f\x8b" if form == "gzip" else b"\x28\xb5")
    document = (tmp_path / "dir" / manifest["config"]["digest"][7:]).read_bytes()
    row = {"Config": "config", "RepoTags": ["again:1"], "Layers": ["layer"]}
    files = {"config": document, "layer": layer, "manifest.json": json.dumps([row]).encode()}
    id = image(box, "busybox")["Id"]
    box.ok("rmi", "busybox")
    assert load(box, files) == "Loaded image: again:1"
    assert image(box, "again:1")["Id"] == id
    assert box.ok("run", "--rm", "again:1", "echo", "runs") == "runs"


def test_what_umoci_packs_we_load_and_run(own: Engine, tmp_path: Path) -> None:
    layout, bundle = tmp_path / "layout", tmp_path / "bundle"
    ours = f"{layout}:first"
    tool("umoci", "init", "--layout", layout)
    tool("umoci", "new", "--image", ours)
    tool("umoci", "unpack", "--image", ours, bundle)
    (bundle / "rootfs/hello").write_bytes(archives.PROGRAM)
    (bundle / "rootfs/hello").chmod(0o755)
    (bundle / "rootfs/gone").write_text("in the first layer")
    tool("umoci", "repack", "--image", ours, bundle)
    shutil.rmtree(bundle)
    tool("umoci", "unpack", "--image", ours, bundle)
    (bundle / "rootfs/gone").unlink()
    tool("umoci", "repack", "--image", ours, bundle)
    settings = ("--config.cmd", "/hello", "--config.label", "by=umoci", "--config.workingdir", "/w")
    tool("umoci", "config", "--image", ours, *settings)
    said = own.ok("load", "-i", str(layout))
    stat = json.loads(tool("umoci", "stat", "--json", "--image", ours))
    id = said.removeprefix("Loaded image ID: ")
    assert image(own, id)["Config"]["Labels"] == {"by": "umoci"}
    assert len([row for row in stat["history"] if not row.get("empty_layer")]) == 2
    own.ok("tag", id, "umoci:1")
    assert "Hello" in own.ok("run", "--name", "box", "umoci:1")
    own.ok("export", "-o", str(tmp_path / "tree.tar"), "box")
    with tarfile.open(tmp_path / "tree.tar") as archive:
        names = archive.getnames()
    assert "hello" in names and "gone" not in names


@pytest.mark.parametrize("form", ["oci", "docker"])
def test_what_buildah_builds_upon_ours_we_load_and_run(
    box: Engine, tmp_path: Path, buildah: Buildah, form: str
) -> None:
    base = buildah("pull", "-q", f"docker-archive:{tmp_path / 'box.tar'}")
    container = buildah("from", "--pull-never", base)
    script = "echo built >/made; rm /etc/passwd; mkdir -p /new/deep; ln -s /made /new/link"
    buildah("run", "--isolation", "chroot", container, "sh", "-c", script)
    words = ("--cmd", '["cat","/new/link"]', "--label", "by=buildah", "--env", "A=b")
    buildah("config", *words, "--port", "80/tcp", "--stop-signal", "INT", container)
    target = f"{form}-archive:{tmp_path / 'built.tar'}:me/built:1"
    id = buildah("commit", "-q", "--format", form, container, target).rpartition("@")[2]
    assert box.ok("load", "-i", str(tmp_path / "built.tar")) == "Loaded image: me/built:1"
    it = image(box, "me/built:1")
    assert it["Config"]["Labels"]["by"] == "buildah" and it["Config"]["StopSignal"]
    if len(id) == 64:
        assert it["Id"] == f"sha256:{id}"
    assert box.ok("run", "--rm", "me/built:1") == "built"
    assert box("run", "--rm", "me/built:1", "cat", "/etc/passwd").code == 1
    lower = image(box, "busybox")["RootFS"]["Layers"]
    assert it["RootFS"]["Layers"][:1] == lower, "the layer below is not shared"
    assert len(list((box.root / "layers").iterdir())) == 2
    box.ok("image", "verify")


def test_skopeo_copies_out_of_our_store_and_the_digest_stays(box: Engine, tmp_path: Path) -> None:
    target = f"oci:{tmp_path / 'copy'}:x"
    tool("skopeo", "copy", "-q", f"oci:{box.root / 'oci'}:{NAME}", target)
    raw = tool("skopeo", "inspect", "--raw", target)
    assert archives.digest(raw.encode()) == image(box, "busybox")["Descriptor"]["digest"]
