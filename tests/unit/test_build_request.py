"""The flags of build: what they become, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mini_docker.builder_build import Request
from mini_docker.cli import build, build_flags, build_request, options
from mini_docker.errors import ConfigError, UsageError
from mini_docker.store import Store


def request(*words: str) -> Request:
    values = options.parse(build.COMMAND, [*words, "."])
    build_flags.check(values)
    found = Request(Store("/nowhere"), "FROM scratch\n")
    build_request.fill(found, values)
    return found


def test_arguments_and_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_HERE", "1")
    monkeypatch.delenv("NOT_HERE", raising=False)
    words = ["--build-arg=a=b=c", "--build-arg", "FROM_HERE", "--build-arg", "NOT_HERE"]
    found = request(*words, "--build-arg", "empty=", "--label", "x=1", "--label", "y")
    assert found.build_args == {"a": "b=c", "FROM_HERE": "1", "empty": ""}
    assert found.labels == {"x": "1", "y": ""}
    with pytest.raises(UsageError, match="it has no name"):
        request("--build-arg", "=x")


def test_limits_are_those_of_a_container() -> None:
    words = ["-m", "64m", "--memory-swap=-1", "-c", "512", "--cpu-quota", "50000"]
    words += ["--cpu-period", "100000", "--cpuset-cpus", "0", "--shm-size", "1m"]
    found = request(*words, "--ulimit", "nofile=10:20", "--cgroup-parent", "/p")
    assert found.host == {
        "Memory": 64 * 2**20,
        "MemorySwap": -1,
        "CpuShares": 512,
        "CpuQuota": 50000,
        "CpuPeriod": 100000,
        "CpusetCpus": "0",
        "ShmSize": 2**20,
        "CgroupParent": "/p",
        "Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 20}],
    }
    with pytest.raises(UsageError, match="Minimum memory limit allowed is 6MB"):
        request("-m", "1m")


def test_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"f\xff")
    monkeypatch.setenv("TOKEN", "t")
    for text, wanted in (
        ("id=x,src=file", ("x", b"f\xff")),
        ("type=file,id=x,source=file", ("x", b"f\xff")),
        ("id=file", ("file", b"f\xff")),
        ("id=x,env=TOKEN", ("x", b"t")),
        ("id=x,type=env,src=TOKEN", ("x", b"t")),
        ("id=TOKEN", ("TOKEN", b"t")),
        ('"id=x","src=file"', ("x", b"f\xff")),
    ):
        assert build_request.secret(text) == wanted, text
    for text in ("src=file", "id", "id=x,src=file,mode=1", "id=x,type=vault", "id=x,env=NO_SUCH"):
        with pytest.raises(UsageError, match="invalid --secret"):
            build_request.secret(text)
    with pytest.raises(ConfigError, match="cannot read the secret x"):
        build_request.secret("id=x,src=none")
    (tmp_path / "big").write_bytes(bytes(build_request.SECRET + 1))
    with pytest.raises(UsageError, match="more than"):
        build_request.secret("id=x,src=big")


def test_the_time_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert request().epoch is None
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert request().epoch == 1700000000
    assert request("--build-arg", "SOURCE_DATE_EPOCH=5").epoch == 5
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        request("--build-arg", "SOURCE_DATE_EPOCH=yesterday")


@pytest.mark.parametrize(
    "words",
    [
        *(["--ssh", "default"], ["--squash"], ["--push"], ["--rm=false"], ["--network", "bridge"]),
        *(["--progress", "rawjson"], ["--output", "type=local,dest=x"], ["--call", "outline"]),
        *(["--platform", "linux/amd64,linux/arm64"], ["--cache-to", "type=inline"]),
        *(
            ["--cache-from", "type=local,src=x"],
            ["--provenance", "true"],
            ["--isolation", "hyperv"],
        ),
        *(["--build-context", "a=b"], ["--add-host", "a:1.2.3.4"], ["--cgroup-parent", "../x"]),
    ],
)
def test_what_is_refused_is_named(words: list[str]) -> None:
    with pytest.raises(UsageError, match=words[0].partition("=")[0]):
        request(*words)


def test_what_is_here_anyway() -> None:
    words = ["--load", "--force-rm", "--rm", "--compress", "--provenance=false", "--sbom=false"]
    request(*words, "-o", "type=docker", "--isolation", "default", "--disable-content-trust")
    found = request("--cache-from", "a:1", "--cache-from", "type=registry,ref=b:2")
    assert found.cache_from == ["a:1", "b:2"]
