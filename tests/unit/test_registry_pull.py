"""Pull and push of whole images, against a registry that fails in every way it can."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mini_docker import (
    image_lookup,
    image_store,
    images,
    registry_endpoints,
    registry_manifests,
    registry_progress,
    registry_pull,
    registry_push,
)
from mini_docker.errors import ConfigError, MiniDockerError, RegistryError
from tests.registries import INDEX, LAYER, MANIFEST, Answer, Fake, Image, digest, fake, row

FILES = [{f"layer{n}/file": bytes([n]) * 300_000, f"name{n}": b"x"} for n in range(4)]
CONFIG: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No waiting between tries; a configuration and a home of the test's own."""
    monkeypatch.setattr(registry_endpoints, "PAUSE", 0.001)
    monkeypatch.setenv("MINI_DOCKER_CONFIG", str(tmp_path / "daemon.json"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)


@pytest.fixture
def server() -> Iterator[Fake]:
    with fake() as it:
        yield it


def pull(root: Path, server: Fake, name: str = "x:1", platform: str = "", out: Any = None) -> Any:
    progress = registry_progress.Progress(out)
    endpoints = registry_endpoints.Endpoints()
    puller = registry_pull.Puller(str(root), endpoints, progress, platform)
    return puller.pull(images.parse(f"{server.host}/{name}"))


def nothing_half_made(root: Path) -> None:
    """Demand that the store is whole: nothing on its way, every blob what its name says."""
    for place in ("oci/ingest", "oci/leases"):
        assert os.listdir(root / place) == []
    assert not [name for name in os.listdir(root / "layers") if name.startswith(".")]
    for blob in (root / "oci/blobs/sha256").iterdir():
        assert digest(blob.read_bytes()) == f"sha256:{blob.name}"


def test_an_image_comes_whole(tmp_path: Path, server: Fake) -> None:
    it, out = Image(*FILES), io.StringIO()
    it.give(server)
    found = pull(tmp_path, server, out=out)
    assert (found.digest, found.id, found.new) == (digest(it.manifest), digest(it.config), True)
    image = image_lookup.find(str(tmp_path), f"{server.host}/x:1")
    for n, layer in enumerate(reversed(image.layers())):
        assert (Path(layer) / f"layer{n}/file").read_bytes() == bytes([n]) * 300_000
    nothing_half_made(tmp_path)
    lines = out.getvalue().splitlines()
    assert lines[0] == "1: Pulling from x"
    for layer_row in it.document["layers"]:
        short = layer_row["digest"][7:19]
        states = [line for line in lines if line.startswith(short)]
        assert states[0] == f"{short}: Pulling fs layer"
        assert states[-2:] == [f"{short}: Download complete", f"{short}: Pull complete"]


def test_a_second_pull_asks_for_the_manifest_alone(tmp_path: Path, server: Fake) -> None:
    Image(*FILES).give(server)
    pull(tmp_path, server)
    server.seen.clear()
    assert not pull(tmp_path, server).new
    assert [it.path for it in server.seen if it.path != "/v2/"] == ["/v2/x/manifests/1"]


def test_layers_that_are_here_are_not_fetched(tmp_path: Path, server: Fake) -> None:
    Image(*FILES[:2]).give(server)
    pull(tmp_path, server)
    Image(*FILES).give(server, tag="2")
    server.seen.clear()
    pull(tmp_path, server, "x:2")
    assert len(server.asked("/blobs/")) == 3  # a config and two layers


def test_one_layer_twice_is_fetched_once(tmp_path: Path, server: Fake) -> None:
    it = Image(FILES[0], FILES[1], FILES[0])
    it.give(server)
    pull(tmp_path, server)
    assert len(image_lookup.find(str(tmp_path), f"{server.host}/x:1").layers()) == 3
    assert len(server.asked(digest(it.layers[0]))) == 1


def test_an_index_leads_to_our_platform(tmp_path: Path, server: Fake) -> None:
    ours, theirs = Image(FILES[0]), Image(FILES[1], architecture="arm64")
    for it in (ours, theirs):
        it.give(server, tag=digest(it.manifest))
    rows = [
        {**row(it.manifest, MANIFEST), "platform": {"os": "linux", "architecture": name}}
        for it, name in ((theirs, "arm64"), (ours, "amd64"))
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": rows}).encode()
    for name in ("1", digest(index)):
        server.answers[f"/v2/x/manifests/{name}"] = Answer(200, index, {"Content-Type": INDEX})
    found = pull(tmp_path, server, platform="linux/amd64")
    assert (found.digest, found.id) == (digest(index), digest(ours.config))
    server.seen.clear()
    assert not pull(tmp_path, server, platform="linux/amd64").new
    assert [it.path for it in server.seen if it.path != "/v2/"] == ["/v2/x/manifests/1"]
    assert pull(tmp_path, server, platform="arm64").id == digest(theirs.config)
    with pytest.raises(RegistryError, match=r"no matching manifest for linux/s390x"):
        pull(tmp_path, server, platform="s390x")
    by_digest = pull(tmp_path, server, f"x@{digest(index)}", platform="amd64")
    assert by_digest.id == digest(ours.config)


def test_an_image_of_another_platform_is_refused_if_one_was_asked_for(
    tmp_path: Path, server: Fake
) -> None:
    Image(FILES[0]).give(server)
    for _ in range(2):
        with pytest.raises(RegistryError, match="is for linux/amd64, not for linux/arm64"):
            pull(tmp_path, server, platform="linux/arm64")
        pull(tmp_path, server, platform="linux/amd64")


def test_a_pull_by_digest_gets_what_it_asked_for(tmp_path: Path, server: Fake) -> None:
    it, other = Image(FILES[0]), Image(FILES[1])
    it.give(server)
    assert pull(tmp_path, server, f"x@{digest(it.manifest)}").id == digest(it.config)
    name = digest(it.manifest)
    server.answers[f"/v2/x/manifests/{name}"] = Answer(200, other.manifest)
    with pytest.raises(RegistryError, match="lies"):
        pull(tmp_path, server, f"x@{name}")


# --- Faults: one line, the store whole, nothing listed, and a repeat succeeds.


def gone(it: Image, server: Fake) -> None:
    """The registry breaks off in a layer, for good."""
    server.answers[f"/v2/x/blobs/{digest(it.layers[2])}"] = Answer(200, it.layers[2], cut=100)


def truncated(it: Image, server: Fake) -> None:
    server.answers[f"/v2/x/blobs/{digest(it.layers[1])}"] = Answer(200, it.layers[1][:-20])


def wrong_digest(it: Image, server: Fake) -> None:
    size = len(it.layers[0])
    server.answers[f"/v2/x/blobs/{digest(it.layers[0])}"] = Answer(200, os.urandom(size))


def last_byte_differs(it: Image, server: Fake) -> None:
    """What has been unpacked is right to the last byte but one."""
    blob = it.layers[3]
    lie = blob[:-1] + bytes([blob[-1] ^ 1])
    server.answers[f"/v2/x/blobs/{digest(blob)}"] = Answer(200, lie)


def config_lies(it: Image, server: Fake) -> None:
    server.answers[f"/v2/x/blobs/{digest(it.config)}"] = Answer(200, it.config.replace(b"x", b"y"))


def layer_missing(it: Image, server: Fake) -> None:
    server.answers[f"/v2/x/blobs/{digest(it.layers[3])}"] = Answer(404)


def token_refused(it: Image, server: Fake) -> None:
    challenge = {"WWW-Authenticate": "Bearer"}
    server.answers[f"/v2/x/blobs/{digest(it.layers[3])}"] = Answer(401, b"", challenge)


FAULTS = [
    gone,
    truncated,
    wrong_digest,
    last_byte_differs,
    config_lies,
    layer_missing,
    token_refused,
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_leaves_the_store_whole(tmp_path: Path, server: Fake, fault: Any) -> None:
    it = Image(*FILES)
    it.give(server)
    fault(it, server)
    with pytest.raises(MiniDockerError) as caught:
        pull(tmp_path, server)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    assert image_store.entries(str(tmp_path)) == []
    nothing_half_made(tmp_path)
    kept = len(list((tmp_path / "oci/blobs/sha256").iterdir()))
    it.give(server)
    server.seen.clear()
    assert pull(tmp_path, server).new
    assert len(server.asked("/blobs/")) == 5 - kept
    nothing_half_made(tmp_path)


def test_500_twice_and_a_cut_are_got_over(tmp_path: Path, server: Fake) -> None:
    it = Image(*FILES)
    it.give(server)
    good = Answer(200, it.manifest, {"Content-Type": MANIFEST})
    server.answers["/v2/x/manifests/1"] = [Answer(500), Answer(502), good]
    for number, blob in enumerate(it.layers):
        path = f"/v2/x/blobs/{digest(blob)}"
        server.answers[path] = [Answer(200, blob, cut=number * 50), Answer(200, blob)]
    assert pull(tmp_path, server).new
    nothing_half_made(tmp_path)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\xfd", "not JSON"),
        (b"[]", "no.* JSON object"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"schemaVersion": 2, "mediaType": [1]}', "no image"),
        (b'{"schemaVersion": 1, "fsLayers": []}', "schema 1"),
        (b'{"schemaVersion": 2, "manifests": {}}', "list of manifests"),
        (b'{"schemaVersion": 2, "manifests": [1, null]}', "no matching manifest"),
        (b" " * (4 * 2**20 + 1), "more than 4194304 bytes"),
    ],
)
def test_a_hostile_manifest_is_refused(
    tmp_path: Path, server: Fake, document: bytes, why: str
) -> None:
    server.answers["/v2/"] = Answer(200, b"{}")
    server.answers["/v2/x/manifests/1"] = Answer(200, document, {"Content-Type": MANIFEST})
    with pytest.raises(MiniDockerError, match=why) as caught:
        pull(tmp_path, server)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"layers": None}, "not the manifest of an image"),
        ({"config": []}, "not the manifest of an image"),
        ({"layers": [{"digest": "sha256:../../etc"}]}, "without a size"),
        ({"layers": [{"digest": "sha256:../../etc", "size": 1}]}, "digest"),
        ({"layers": [{"mediaType": LAYER, "digest": "sha512:" + "0" * 128, "size": 1}]}, "sha256"),
        ({"layers": [{"mediaType": LAYER, "digest": f"sha256:{'0' * 64}", "size": -1}]}, "size"),
        ({"layers": [{"mediaType": LAYER, "digest": f"sha256:{'0' * 64}", "size": 2**60}]}, "size"),
        ({"layers": [{"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                      "digest": f"sha256:{'0' * 64}", "size": 1}]}, "another place"),
        ({"layers": [{"mediaType": LAYER, "digest": f"sha256:{'0' * 64}", "size": 1,
                      "urls": ["http://127.0.0.1/"]}]}, "do not fetch"),
        ({"config": {"mediaType": "application/vnd.cncf.helm.config.v1+json",
                     "digest": f"sha256:{'0' * 64}", "size": 1}}, "no image, but"),
        ({"config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                     "digest": f"sha256:{'0' * 64}", "size": 2**30}}, "size"),
        ({"layers": [row(b"x")] * 501}, "501"),
        ({"layers": []}, "0 layers and 1 diff ids"),
    ],
)  # fmt: skip
def test_a_manifest_of_the_wrong_shape_is_refused(
    tmp_path: Path, server: Fake, change: dict[str, Any], why: str
) -> None:
    it = Image(FILES[0])
    it.document |= change
    it.give(server)
    with pytest.raises(MiniDockerError, match=why):
        pull(tmp_path, server)
    assert image_store.entries(str(tmp_path)) == []
    nothing_half_made(tmp_path)


def test_a_header_that_contradicts_the_body_is_a_lie(tmp_path: Path, server: Fake) -> None:
    it = Image()
    it.give(server)
    headers = {"Content-Type": MANIFEST, "Docker-Content-Digest": f"sha256:{'0' * 64}"}
    server.answers["/v2/x/manifests/1"] = Answer(200, it.manifest, headers)
    with pytest.raises(RegistryError, match="lies"):
        pull(tmp_path, server)


def test_a_full_disk_is_told_of(
    tmp_path: Path, server: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Image(*FILES)
    it.give(server)

    class Full(io.FileIO):
        def write(self, data: Any, /) -> int:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("mini_docker.registry_download.open", lambda path, *_, **__: Full(path, "w+"),
                      raising=False)  # fmt: skip
        with pytest.raises(ConfigError, match="No space left on device"):
            pull(tmp_path, server)
    nothing_half_made(tmp_path)
    assert pull(tmp_path, server).new


# --- Where an image is asked for


def test_a_mirror_is_asked_first_and_may_fail(
    tmp_path: Path, server: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image(FILES[0]).give(server, "library/x")
    with fake() as broken, fake() as hub:
        Image(FILES[1]).give(hub, "library/x")
        mirrors = [broken.base, f"{server.base}/"]
        (tmp_path / "daemon.json").write_text(json.dumps({"registry-mirrors": mirrors}))
        monkeypatch.setattr(registry_endpoints, "HUB_BASE", hub.base)
        endpoints = registry_endpoints.Endpoints()
        out = io.StringIO()
        puller = registry_pull.Puller(str(tmp_path), endpoints, registry_progress.Progress(out), "")
        puller.pull(images.parse("x:1"))
        assert (len(broken.seen), len(hub.seen)) == (1, 0)
        assert f"{broken.base} cannot help" in out.getvalue()
        server.answers.clear()
        assert puller.pull(images.parse("x:1")).id == digest(Image(FILES[1]).config)


def test_a_registry_that_cannot_be_reached_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_endpoints, "HUB_BASE", "http://127.0.0.1:1")
    puller = registry_pull.Puller(
        str(tmp_path), registry_endpoints.Endpoints(), registry_progress.Progress(None), ""
    )
    with pytest.raises(RegistryError, match="Connection refused; without a way to the internet"):
        puller.pull(images.parse("busybox:latest"))
    with pytest.raises(RegistryError, match=r"127.0.0.1:1: Connection refused$"):
        puller.pull(images.parse("127.0.0.1:1/x:1"))


@pytest.mark.parametrize(
    ("listed", "host", "wanted"),
    [
        ([], "127.0.0.1:5000", True),
        ([], "127.9.9.9", True),
        ([], "localhost:5000", True),
        ([], "192.0.2.7:5000", False),
        (["192.0.2.0/24"], "192.0.2.7:5000", True),
        (["192.0.2.7:5000"], "192.0.2.7:5000", True),
        (["192.0.2.7:5000"], "192.0.2.7:5001", False),
        (["192.0.2.7"], "192.0.2.7:5001", True),
        (["2001:db8::/32"], "[2001:db8::1]:5000", True),
        (["r.invalid:5000"], "r.invalid:5000", True),
        ([], "r.invalid:5000", False),
    ],
)
def test_insecure_registries_are_those_of_the_configuration(
    tmp_path: Path, listed: list[str], host: str, wanted: bool
) -> None:
    (tmp_path / "daemon.json").write_text(json.dumps({"insecure-registries": listed}))
    assert registry_endpoints.Endpoints().insecure(host) is wanted


@pytest.mark.parametrize(
    "config",
    [
        {"registry-mirrors": ["mirror.example"]},
        {"registry-mirrors": "x"},
        {"insecure-registries": [7]},
        {"insecure-registries": ["10.0.0.0/99"]},
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    (tmp_path / "daemon.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError):
        registry_endpoints.Endpoints().insecure("127.0.0.1")


def test_tags_come_page_by_page(server: Fake) -> None:
    server.answers["/v2/"] = Answer(200, b"{}")
    more = {"Link": '</v2/x/tags/list?last=b&n=2>; rel="next"'}
    server.answers["GET /v2/x/tags/list"] = Answer(200, b'{"tags": ["a", "b"]}', more)
    server.answers["GET /v2/x/tags/list?last=b&n=2"] = Answer(200, b'{"tags": ["c"]}')
    session = registry_endpoints.Endpoints().session(server.host, "x", [])
    assert registry_manifests.tags(session) == ["a", "b", "c"]
    server.answers["GET /v2/x/tags/list?last=b&n=2"] = Answer(200, b'{"tags": ["c"]}', more)
    assert registry_manifests.tags(session) == ["a", "b", "c"]  # a circle
    many = json.dumps({"tags": ["x"] * 10_001}).encode()
    server.answers["GET /v2/x/tags/list"] = Answer(200, many)
    with pytest.raises(RegistryError, match="more than 10000"):
        registry_manifests.tags(session)


# --- Push


def push(root: Path, *names: str) -> str:
    out = io.StringIO()
    pusher = registry_push.Pusher(
        str(root), registry_endpoints.Endpoints(), registry_progress.Progress(out)
    )
    pusher.push([images.parse(name) for name in names])
    return out.getvalue()


def tagged(root: Path, server: Fake, name: str) -> Image:
    """Pull an image and give it another name."""
    it = Image(*FILES)
    it.give(server)
    pull(root, server)
    entry = image_lookup.locate(str(root), f"{server.host}/x:1")
    image_store.point(str(root), entry, [name])
    return it


def accept(server: Fake, path: str, mount: int = 202) -> None:
    """Let *server* take what is pushed to *path*."""
    server.answers["/v2/"] = Answer(200, b"{}")
    server.answers[f"/v2/{path}/blobs/uploads/"] = Answer(mount, b"", {"Location": "/up"})
    server.answers["/up"] = Answer(201)
    server.answers[f"/v2/{path}/manifests/2"] = Answer(201)


def test_a_push_sends_blobs_as_they_are_and_the_manifest_last(tmp_path: Path, server: Fake) -> None:
    with fake() as target:
        it = tagged(tmp_path, server, f"{target.host}/me/y:2")
        accept(target, "me/y")
        out = push(tmp_path, f"{target.host}/me/y:2")
        sent = [request.body for request in target.seen if request.method == "PUT"]
        assert set(sent[:4]) == set(it.layers)
        assert sent[4:] == [it.config, it.manifest]
        assert target.seen[-1].headers["Content-Type"] == MANIFEST
        assert out.splitlines()[-1] == (
            f"2: digest: {digest(it.manifest)} size: {len(it.manifest)}"
        )
        assert image_lookup.find(str(tmp_path), f"{target.host}/me/y@{digest(it.manifest)}")


def test_layers_are_mounted_from_where_they_came(tmp_path: Path, server: Fake) -> None:
    it = tagged(tmp_path, server, f"{server.host}/me/y:2")
    accept(server, "me/y", 201)
    server.answers[f"/v2/me/y/blobs/{digest(it.config)}"] = Answer(200)
    assert push(tmp_path, f"{server.host}/me/y:2").count("Mounted from x") == 4
    assert len([request for request in server.asked("from=x") if request.method == "POST"]) == 4


def test_of_two_repositories_the_last_one_is_mounted_from(tmp_path: Path, server: Fake) -> None:
    it = tagged(tmp_path, server, f"{server.host}/me/y:2")
    entry = image_lookup.locate(str(tmp_path), f"{server.host}/x:1")
    name = f"{server.host}/newer@{digest(it.manifest)}"
    image_store.point(str(tmp_path), entry, [name])
    accept(server, "me/y", 201)
    server.answers[f"/v2/me/y/blobs/{digest(it.config)}"] = Answer(200)
    assert push(tmp_path, f"{server.host}/me/y:2").count("Mounted from newer") == 4


@pytest.mark.parametrize("answers", [[500, 503, 201], [201]])
def test_an_upload_is_tried_again(tmp_path: Path, server: Fake, answers: list[int]) -> None:
    with fake() as target:
        tagged(tmp_path, server, f"{target.host}/me/y:2")
        accept(target, "me/y")
        target.answers["/up"] = [Answer(status) for status in answers]
        push(tmp_path, f"{target.host}/me/y:2")
        assert target.seen[-1].path == "/v2/me/y/manifests/2"


@pytest.mark.parametrize(
    ("path", "answer", "why"),
    [
        ("/up", Answer(500), "an upload"),
        ("/up", Answer(400, b'{"errors": [{"code": "DIGEST_INVALID"}]}'), "digest invalid"),
        ("/v2/me/y/blobs/uploads/", Answer(403), "access denied"),
        ("/v2/me/y/manifests/2", Answer(400, b'{"errors": 7}'), "status 400"),
        ("/v2/me/y/manifests/2",
         Answer(201, headers={"Docker-Content-Digest": "sha256:0"}), "lies"),
    ],
)  # fmt: skip
def test_a_push_that_fails_is_one_line(
    tmp_path: Path, server: Fake, path: str, answer: Answer, why: str
) -> None:
    with fake() as target:
        tagged(tmp_path, server, f"{target.host}/me/y:2")
        accept(target, "me/y")
        target.answers[path] = answer
        with pytest.raises(RegistryError, match=why):
            push(tmp_path, f"{target.host}/me/y:2")
