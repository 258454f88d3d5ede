"""Registries for real: our own and Debian's, with skopeo as the other client, TLS and passwords.

They listen on 127.0.0.1, which every engine takes for insecure, and on 10.99.0.1, an address
of the test's own network namespace, which none does.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from mini_docker import loopback, syscalls
from tests.e2e import archives, test_images_crash
from tests.e2e.conftest import REPO, Engine, until
from tests.e2e.test_images import own, whole
from tests.registries import Answer, Image, Request, digest, fake

pytestmark = pytest.mark.e2e
__all__ = ["own"]  # a fixture

NEAR, FAR = "127.0.0.1", "10.99.0.1"
USER, PASSWORD = "me", "se:cret"
CERTIFICATES = Path("/etc/mini-docker/certs.d")


@pytest.fixture(autouse=True)
def _network() -> None:
    loopback.bring_up()
    shown = subprocess.run(["ip", "addr", "show", "lo"], capture_output=True, text=True, check=True)
    if FAR not in shown.stdout:
        subprocess.run(["ip", "addr", "add", f"{FAR}/32", "dev", "lo"], check=True)


@pytest.fixture
def engine(own: Engine, tmp_path: Path) -> Engine:
    """The engine, with a home and a configuration of its own, and the image busybox."""
    (tmp_path / "home").mkdir()
    own.environment |= {
        "HOME": str(tmp_path / "home"),
        "MINI_DOCKER_CONFIG": str(tmp_path / "daemon.json"),
    }
    own.ok("image", "bootstrap", "busybox")
    return own


@pytest.fixture
def second(engine: Engine, tmp_path: Path) -> Iterator[Engine]:
    """Another machine: an engine without images, with the same configuration."""
    it = Engine(tmp_path / "second")
    it.environment = {**engine.environment}
    yield it
    assert it("system", "check").out == b"everything is in order\n"
    whole(it)


class Registry:
    """A registry that runs: where, and what skopeo has to be told."""

    def __init__(self, host: str, tls: bool, password: bool) -> None:
        self.host = host
        self.tls = tls
        self.password = password

    def skopeo(self, *words: str) -> str:
        """Run skopeo, which trusts every certificate; return what it prints."""
        places = [it for it in words[1:] if it.startswith(("docker", "oci:"))]
        sides = ("--src-", "--dest-") if words[0] == "copy" else ("--",)
        flags = [f"{side}tls-verify=false" for side in sides]
        for side, place in zip(sides, places, strict=True):
            if self.password and place.startswith("docker://"):
                flags.append(f"{side}creds={USER}:{PASSWORD}")
        done = subprocess.run(
            ["skopeo", words[0], *flags, *words[1:]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
        return done.stdout


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate that signs itself, for both addresses; return it and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    names = f"subjectAltName=IP:{NEAR},IP:{FAR}"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=registry", "-addext", names, "-keyout", str(key), "-out", str(cert)]
    subprocess.run(words, check=True, capture_output=True)
    return cert, key


def users(folder: Path) -> Path:
    hash = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")
    (folder / "htpasswd").write_text(f"{USER}:{hash}\n")
    return folder / "htpasswd"


Start = Callable[..., Registry]


@pytest.fixture
def ours(tmp_path: Path, engine: Engine) -> Iterator[Start]:
    """Start `mini-docker registry serve`."""
    running = []

    def start(address: str = NEAR, tls: bool = False, password: bool = False) -> Registry:
        words = ["registry", "serve", "--addr", f"{address}:0", "--root", str(tmp_path / "served")]
        if tls:
            cert, key = certificate(tmp_path)
            words += ["--tls-cert", str(cert), "--tls-key", str(key)]
        if password:
            words += ["--htpasswd", str(users(tmp_path))]
        process = engine.popen(*words, stderr=subprocess.DEVNULL)
        running.append(process)
        assert process.stdout
        line = process.stdout.readline().decode()
        scheme = "https" if tls else "http"
        assert f"on {scheme}://{address}:" in line
        return Registry(f"{address}:{line.rpartition(':')[2].strip()}", tls, password)

    yield start
    for process in running:
        process.terminate()
        assert process.wait(10) == 0
        for stream in (process.stdin, process.stdout):
            assert stream
            stream.close()


@pytest.fixture
def debian(tmp_path: Path) -> Iterator[Start]:
    """Start the distribution's docker-registry."""
    running = []

    def start(
        address: str = NEAR, tls: bool = False, password: bool = False, clients: bool = False
    ) -> Registry:
        with socket.create_server((address, 0)) as free:
            host = f"{address}:{free.getsockname()[1]}"
        config: dict[str, Any] = {
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(tmp_path / "debian")}},
            "http": {"addr": host},
        }
        if tls:
            cert, key = certificate(tmp_path)
            config["http"]["tls"] = {"certificate": str(cert), "key": str(key)}
            if clients:
                config["http"]["tls"]["clientcas"] = [str(cert)]
        if password:
            realm = {"realm": "here", "path": str(users(tmp_path))}
            config["auth"] = {"htpasswd": realm}
        (tmp_path / "config.yml").write_text(json.dumps(config))  # JSON is YAML
        log = (tmp_path / "debian.log").open("wb")
        running.append((
            subprocess.Popen(
                ["docker-registry", "serve", str(tmp_path / "config.yml")], stdout=log, stderr=log
            ),
            log,
        ))  # fmt: skip
        port = int(host.rpartition(":")[2])
        until(lambda: listens(address, port), "docker-registry listens")
        return Registry(host, tls, password)

    yield start
    for process, log in running:
        process.terminate()
        process.wait(10)
        log.close()


def listens(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def trust(tmp_path: Path) -> Iterator[Callable[[Registry], None]]:
    """Lay a certificate where those of a registry belong; /etc is the test's own."""
    for name in ("up", "work"):
        (tmp_path / name).mkdir()
    data = f"lowerdir=/etc,upperdir={tmp_path}/up,workdir={tmp_path}/work"
    syscalls.mount("overlay", "/etc", "overlay", 0, data)

    def put(registry: Registry) -> None:
        folder = CERTIFICATES / registry.host
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes((tmp_path / "cert.pem").read_bytes())

    yield put
    syscalls.umount("/etc")


def log_in(engine: Engine, registry: Registry, password: str = PASSWORD) -> Any:
    words = ("login", "-u", USER, "--password-stdin", registry.host)
    return engine(*words, stdin=f"{password}\n".encode())


def identity(engine: Engine, name: str) -> tuple[str, str]:
    """Return the image's id and the digest of its manifest."""
    found = json.loads(engine.ok("image", "inspect", name))[0]
    return found["Id"], found["Descriptor"]["digest"]


@pytest.mark.parametrize("kind", ["ours", "debian"])
@pytest.mark.parametrize("secure", [False, True])
def test_push_and_pull_both_ways(
    request: pytest.FixtureRequest,
    engine: Engine,
    second: Engine,
    trust: Callable[[Registry], None],
    kind: str,
    secure: bool,
) -> None:
    """With TLS and a password: on an address that nobody takes for insecure."""
    start: Start = request.getfixturevalue(kind)
    registry = start(FAR if secure else NEAR, secure, secure)
    name = f"{registry.host}/me/box:1"
    engine.ok("tag", "busybox", name)
    if secure:
        engine("push", "-q", name).refused(
            "cannot trust", f"certs.d/{registry.host}/ca.crt", code=1
        )
        trust(registry)
        engine("push", "-q", name).refused("does not let us in", code=1)
        wrong = log_in(engine, registry, "wrong")
        assert wrong.code == 1 and b"unauthorized" in wrong.err
        assert not Path(engine.environment["HOME"], ".mini-docker").exists()
        assert log_in(engine, registry).out == b"Login Succeeded\n"
        file = Path(engine.environment["HOME"], ".mini-docker/config.json")
        assert file.stat().st_mode & 0o777 == 0o600
    out = engine.ok("push", name).splitlines()
    id, manifest = identity(engine, name)
    assert out[0] == f"The push refers to repository [{registry.host}/me/box]"
    assert out[-1].startswith(f"1: digest: {manifest} size: ")
    # skopeo finds what we pushed, and pushes it again under another name.
    found = json.loads(registry.skopeo("inspect", f"docker://{name}"))
    assert (found["Digest"], found["RepoTags"]) == (manifest, ["1"])
    theirs = f"{registry.host}/sk/opeo:2"
    registry.skopeo("copy", f"docker://{name}", f"docker://{theirs}")
    for wanted in (name, theirs):
        assert second.ok("pull", "-q", wanted) == wanted
        assert identity(second, wanted) == (id, manifest)
    assert second.ok("run", "--rm", theirs, "echo", "it runs") == "it runs"
    assert theirs.partition(":2")[0] in second.ok("images", "--digests")
    listed = engine.ok("search", f"{registry.host}/opeo")
    assert f"{registry.host}/sk/opeo" in listed and "me/box" not in listed
    if secure:
        logged_out = engine.ok("logout", registry.host)
        assert logged_out == f"Removing login credentials for {registry.host}"
        assert engine("pull", name).code == 1
        assert engine.ok("logout", registry.host) == f"Not logged in to {registry.host}"


@pytest.mark.parametrize("form", ["oci-zstd", "v2s2"])
def test_what_skopeo_writes_in_other_forms(
    engine: Engine, second: Engine, debian: Start, tmp_path: Path, form: str
) -> None:
    registry = debian()
    engine.ok("save", "-o", str(tmp_path / "box.tar"), "busybox")
    name = f"{registry.host}/box:{form}"
    flags = ("--format", "v2s2") if form == "v2s2" else ("--format", "oci")
    if form == "oci-zstd":
        registry.skopeo(
            "copy", "--dest-compress-format", "zstd", "--dest-compress",
            f"docker-archive:{tmp_path}/box.tar", f"oci:{tmp_path}/layout:x",
        )  # fmt: skip
        registry.skopeo("copy", f"oci:{tmp_path}/layout:x", f"docker://{name}")
    else:
        source = f"docker-archive:{tmp_path}/box.tar"
        registry.skopeo("copy", *flags, source, f"docker://{name}")
    second.ok("pull", name)
    assert second.ok("run", "--rm", name, "echo", form) == form
    # Blobs are kept as received: what we push on is the same to the last byte.
    again = f"{registry.host}/again:{form}"
    second.ok("tag", name, again)
    second.ok("push", again)
    one, other = (registry.skopeo("inspect", "--raw", f"docker://{it}") for it in (name, again))
    assert one == other
    if form == "oci-zstd":
        assert "+zstd" in one


def test_all_tags_up_and_down(engine: Engine, second: Engine, ours: Start) -> None:
    registry = ours()
    names = [f"{registry.host}/box:{tag}" for tag in ("1", "2", "latest")]
    for name in names:
        engine.ok("tag", "busybox", name)
    out = engine.ok("push", "-a", f"{registry.host}/box")
    assert out.count("digest: sha256:") == 3 and "Layer already exists" in out
    second.ok("pull", "-a", f"{registry.host}/box")
    listed = second.ok("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    assert sorted(listed) == sorted(names)
    engine("push", "-a", names[0]).refused("tag can't be used with --all-tags/-a", code=1)
    engine("push", "-q", f"{registry.host}/none").refused(
        "does not exist locally with the tag", code=1
    )


def test_layers_are_mounted_across_repositories(engine: Engine, debian: Start) -> None:
    registry = debian()
    for name in ("one", "two"):
        engine.ok("tag", "busybox", f"{registry.host}/{name}/box:1")
    assert "Pushed" in engine.ok("push", f"{registry.host}/one/box:1")
    assert "Mounted from one/box" in engine.ok("push", f"{registry.host}/two/box:1")


def test_run_pulls_what_is_missing(engine: Engine, second: Engine, ours: Start) -> None:
    registry = ours()
    name = f"{registry.host}/box:1"
    engine.ok("tag", "busybox", name)
    engine.ok("push", name)
    never = second("run", "--rm", "--pull", "never", name, "true")
    never.refused(f"Unable to find image '{name}' locally")
    found = second("run", "--rm", name, "echo", "hello")
    assert (found.code, found.out) == (0, b"hello\n"), found
    lines = found.err.decode().splitlines()
    assert lines[:2] == [f"Unable to find image '{name}' locally", "1: Pulling from box"]
    assert lines[-1] == f"Status: Downloaded newer image for {name}"
    again = second("run", "--rm", name, "true")
    assert (again.code, again.err) == (0, b"")
    always = second("run", "--rm", "--pull=always", name, "true")
    assert always.err.endswith(f"Status: Image is up to date for {name}\n".encode())
    quiet = second("run", "--rm", "-q", "--pull=always", name, "true")
    assert (quiet.code, quiet.err) == (0, b"")
    second("run", "--pull", "often", name).refused("invalid pull option: 'often'")
    other = second("run", "--rm", "--platform", "linux/s390x", name, "true")
    assert other.code == 125 and b"not for linux/s390x" in other.err
    assert second("run", "--rm", f"{registry.host}/none", "true").code == 125


def test_a_registry_without_tls_must_be_named(
    engine: Engine, ours: Start, debian: Start, tmp_path: Path
) -> None:
    for start in (ours, debian):
        registry = start(FAR)
        name = f"{registry.host}/box:1"
        engine.ok("tag", "busybox", name)
        engine("push", "-q", name).refused("does not speak TLS", "insecure-registries", code=1)
        (tmp_path / "daemon.json").write_text('{"insecure-registries": ["10.99.0.0/16"]}')
        engine.ok("push", name)
        (tmp_path / "daemon.json").unlink()


def test_a_registry_that_wants_to_see_a_certificate(
    engine: Engine, debian: Start, trust: Callable[[Registry], None], tmp_path: Path
) -> None:
    registry = debian(FAR, True, clients=True)
    trust(registry)
    name = f"{registry.host}/box:1"
    engine.ok("tag", "busybox", name)
    refused = engine("push", "-q", name)
    assert refused.code == 1 and refused.err.count(b"\n") == 1, refused
    folder = CERTIFICATES / registry.host
    for file, source in (("client.cert", "cert.pem"), ("client.key", "key.pem")):
        (folder / file).write_bytes((tmp_path / source).read_bytes())
    engine.ok("push", "-q", name)
    (folder / "client.key").unlink()
    engine("push", "-q", name).refused(f"cannot use the certificates in {folder}", code=1)


def test_a_mirror_stands_in_for_docker_hub(
    engine: Engine, second: Engine, ours: Start, tmp_path: Path
) -> None:
    refused = second("pull", "box")
    assert refused.code == 1 and b"cannot reach registry-1.docker.io" in refused.err
    assert b"mini-docker image bootstrap" in refused.err
    registry = ours()
    engine.ok("tag", "busybox", f"{registry.host}/library/box:latest")
    engine.ok("push", f"{registry.host}/library/box:latest")
    mirrors = {"registry-mirrors": [f"http://{registry.host}"]}
    (tmp_path / "daemon.json").write_text(json.dumps(mirrors))
    assert second.ok("pull", "box").splitlines()[-1] == "docker.io/library/box:latest"
    assert second.ok("run", "--rm", "box", "echo", "x") == "x"


def test_login_takes_a_password_in_three_ways(engine: Engine, ours: Start) -> None:
    registry = ours(password=True)
    home = Path(engine.environment["HOME"], ".mini-docker/config.json")
    done = engine("login", "-u", USER, "-p", PASSWORD, registry.host)
    assert done.code == 0 and b"Using --password via the CLI is insecure" in done.err
    assert f"stored unencrypted in {home}".encode() in done.err
    assert b"existing credentials" in engine("login", registry.host).out
    home.unlink()
    engine("login", registry.host).refused("non TTY", code=1)
    for words in (["--password-stdin"], ["-u", "a", "-p", "b", "--password-stdin"], ["-u", "a:b"]):
        assert engine("login", *words, registry.host, stdin=b"x\n").code == 1
    script = f"{' '.join(engine.command)} login {registry.host}"
    with subprocess.Popen(
        ["script", "-qec", script, "/dev/null"], env=engine.environment, cwd=REPO,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        shown = b""
        for prompt, answer in ((b"Username: ", USER), (b"Password: ", PASSWORD)):
            while prompt not in shown:
                piece = os.read(process.stdout.fileno(), 4096)
                assert piece, shown
                shown += piece
            process.stdin.write(f"{answer}\n".encode())
            process.stdin.flush()
        shown += process.stdout.read()
        assert process.wait(10) == 0, shown
    assert b"Login Succeeded" in shown and PASSWORD.encode() not in shown
    assert home.exists()


# --- Ends in the middle


def layered() -> Image:
    """An image whose only program says hello, in three layers."""
    files = [{"hello": archives.PROGRAM}, {"a": b"x" * 200_000}, {"b": b"y" * 200_000}]
    return Image(*files, config={"Cmd": ["/hello"]})


def test_a_pull_killed_in_the_middle_is_taken_up_again(second: Engine) -> None:
    it = layered()
    with fake() as server:
        it.give(server)
        name, held = f"{server.host}/x:1", threading.Event()
        last = f"/v2/x/blobs/{digest(it.layers[2])}"

        def slow(request: Request) -> Answer:
            held.wait(30)
            return Answer(200, it.layers[2])

        server.answers[last] = slow
        process = second.popen("pull", name)
        blobs = second.root / "oci/blobs/sha256"
        until(lambda: len(list(blobs.glob("*"))) == 3, "config and two layers are there")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        held.set()
        assert second.ok("images", "-aq") == ""
        assert b"never finished" in second("system", "check").out
        server.seen.clear()
        second.ok("pull", name)
        fetched = [request.path for request in server.asked("/blobs/")]
        assert fetched == [last]
        second.ok("system", "check", "--repair")
        second.ok("image", "verify")


def test_a_pull_killed_at_every_step(second: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_images_crash, "CALLS", ("mkdir", "rename", "unlink", "write"))
    it = layered()
    with fake() as server:
        it.give(server)
        name, seen = f"{server.host}/x:1", []
        for number, step in enumerate(test_images_crash.killings(second, "pull", "-q", name)):
            listed = second.ok("images", "-q", "--no-trunc").split()
            assert listed in ([], [digest(it.config)]), step
            second.ok("image", "verify")
            seen.append(len(listed))
            if number % 8 == 0:
                second.ok("pull", "-q", name)
                second.ok("image", "verify")
            second.ok("system", "check", "--repair")
            whole(second)
            if second("rmi", "-f", digest(it.config)).code:
                second.ok("image", "prune", "-f")
        assert len(seen) > 30 and set(seen) == {0, 1}


def test_a_full_disk_at_every_size(engine: Engine, tmp_path: Path) -> None:
    it = layered()
    small = tmp_path / "small"
    small.mkdir()
    codes = set()
    with fake() as server:
        it.give(server)
        for size in (16, 64, 120, 260, 400, 600, 900, 2000):
            syscalls.mount("tmpfs", str(small), "tmpfs", 0, f"size={size}k")
            try:
                full = Engine(small)
                full.environment = engine.environment
                done = full("pull", "-q", f"{server.host}/x:1")
                codes.add(done.code)
                if done.code:
                    assert b"No space left" in done.err and done.err.count(b"\n") == 1, done
                    assert full.ok("images", "-q") == ""
                    syscalls.mount("tmpfs", str(small), None, syscalls.MS_REMOUNT, "size=4000k")
                    full.ok("pull", "-q", f"{server.host}/x:1")
                whole(full)
                full.ok("image", "verify")
            finally:
                syscalls.umount(str(small))
    assert codes == {0, 1}


def test_a_registry_that_goes_away(second: Engine) -> None:
    it = layered()
    with fake() as server:
        it.give(server)
        server.answers[f"/v2/x/blobs/{digest(it.layers[1])}"] = Answer(200, it.layers[1], cut=9)
        done = second("pull", "-q", f"{server.host}/x:1")
        done.refused(digest(it.layers[1]), "was cut at", code=1)
        assert second.ok("images", "-aq") == ""


def test_a_large_layer_takes_little_memory(second: Engine, tmp_path: Path) -> None:
    it = Image({"large": os.urandom(2**20) * 60, "zeros": bytes(2**26)})
    with fake() as server:
        it.give(server)
        words = "import resource,subprocess,sys; subprocess.run(sys.argv[1:], check=True);"
        words += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        command = [sys.executable, "-c", words, *second.command]
        done = subprocess.run(
            [*command, "pull", "-q", f"{server.host}/x:1"],
            env=second.environment,
            cwd=REPO,
            capture_output=True,
            check=True,
        )
        assert int(done.stdout.split()[-1]) < 100 * 1024  # KiB


def test_bars_are_drawn_on_a_terminal(second: Engine, tmp_path: Path) -> None:
    it = Image({"f": os.urandom(3_000_000)})
    with fake() as server:
        it.give(server)
        script = f"{' '.join(second.command)} pull {server.host}/x:1"
        done = subprocess.run(
            ["script", "-qec", script, "/dev/null"],
            env=second.environment,
            cwd=REPO,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
    assert b"Downloading [" in done.stdout and b"\x1b[1A\r\x1b[2K" in done.stdout
    assert done.stdout.count(b"\n") < 10


def test_serve_says_what_is_wrong(engine: Engine, tmp_path: Path) -> None:
    for words, part in (
        (["--addr", "nowhere"], "invalid address"),
        (["--addr", "192.0.2.1:0"], "cannot listen on"),
        (["--tls-cert", "/nothing"], "belong together"),
        (["--tls-cert", "/nothing", "--tls-key", "/nothing"], "cannot use /nothing"),
        (["--htpasswd", "/nothing"], "cannot read /nothing"),
        (["--user", "me"], "--password-stdin"),
        (["--htpasswd", "x", "--user", "me"], "mutually exclusive"),
    ):
        done = engine("registry", "serve", *words)
        assert done.code in (1, 125) and part.encode() in done.err, done


def test_serve_with_one_user(engine: Engine, tmp_path: Path) -> None:
    words = ("registry", "serve", "--addr", f"{NEAR}:0", "--root", str(tmp_path / "r"))
    process = engine.popen(*words, "--user", USER, "--password-stdin", stderr=subprocess.DEVNULL)
    assert process.stdin and process.stdout
    process.stdin.write(f"{PASSWORD}\n".encode())
    process.stdin.close()
    port = process.stdout.readline().decode().rpartition(":")[2].strip()
    registry = Registry(f"{NEAR}:{port}", False, True)
    assert log_in(engine, registry, "wrong").code == 1
    assert log_in(engine, registry).code == 0
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    process.stdout.close()
