"""capabilities: names, Docker's rules, and what config.json and inspect make of them.

What the kernel does with the sets is graded in labs/06_capabilities and tried for real
in tests/e2e/test_capabilities.py.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import capabilities, capabilities_names, settings_security, spec, sysctls
from mini_docker.capabilities_names import ALL, BIT, DEFAULT, EVERYTHING, NAMES, canonical, mask
from mini_docker.errors import UsageError

HEADER = Path("/usr/include/linux/capability.h")
DOCKERS = 0xA80425FB  # what /proc/self/status shows in a container of Docker's


def test_the_default_is_docker_s() -> None:
    assert len(DEFAULT) == 14
    assert mask(DEFAULT) == DOCKERS


def test_the_numbers_are_the_kernel_s() -> None:
    if not HEADER.exists():
        pytest.skip("no kernel headers here")
    rows = dict(re.findall(r"#define (CAP_[A-Z_]+)\s+(\d+)$", HEADER.read_text(), re.MULTILINE))
    assert {name: BIT[name] for name in rows} == {name: 1 << int(n) for name, n in rows.items()}


def test_the_numbers_are_those_of_capsh() -> None:
    decoded = subprocess.run(
        ["/usr/sbin/capsh", f"--decode={EVERYTHING:x}"], capture_output=True, text=True, check=True
    )
    assert decoded.stdout.strip().partition("=")[2].upper().split(",") == list(NAMES)


@pytest.mark.parametrize("name", ["NET_ADMIN", "net_admin", "CAP_NET_ADMIN", "cap_Net_Admin"])
def test_a_name_may_be_written_in_any_case_and_without_its_prefix(name: str) -> None:
    assert canonical(name) == "CAP_NET_ADMIN"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NET_ADMN", 'unknown capability: "CAP_NET_ADMN" (did you mean CAP_NET_ADMIN?)'),
        ("sysadmin", 'unknown capability: "CAP_SYSADMIN" (did you mean CAP_SYS_ADMIN?)'),
        ("zzz", 'unknown capability: "CAP_ZZZ"'),
        ("", 'unknown capability: "CAP_"'),
        ("CAP_ALL", 'unknown capability: "CAP_ALL"'),
        ("a\nb", r'unknown capability: "CAP_A\nB"'),
    ],
)
def test_an_unknown_name_is_refused_in_docker_s_words_and_with_the_nearest(
    name: str, words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        canonical(name)
    assert str(caught.value) == words


def test_an_endless_name_is_refused_at_once_and_in_one_line() -> None:
    with pytest.raises(UsageError) as caught:
        canonical("x" * 10**6)
    assert len(str(caught.value)) < 100


def tweak(basics: list[str], adds: list[str], drops: list[str], privileged: bool) -> set[str]:
    """Docker's TweakCapabilities (moby, daemon/pkg/oci/caps), told once more and by names."""
    if privileged:
        return set(NAMES)
    if ALL in adds:
        return set(NAMES) - set(drops)
    if ALL in drops:
        return set(adds)
    return (set(basics) - set(drops)) | set(adds)


some = st.lists(st.sampled_from([ALL, *NAMES]), max_size=6)


@given(some, some, st.booleans(), st.integers(0, EVERYTHING))
def test_the_rules_are_docker_s_within_the_bounding_set(
    add: list[str], drop: list[str], privileged: bool, bounding: int
) -> None:
    wanted = mask(tweak(DEFAULT, add, drop, privileged))
    assert capabilities.compute(add, drop, privileged, bounding) == wanted & bounding


def test_sets_are_what_the_kernel_says() -> None:
    found = capabilities.sets("self")
    assert set(found) == set(capabilities.SETS.values())
    shown = subprocess.run(
        ["/usr/bin/setpriv", "-d"], capture_output=True, text=True, check=True
    ).stdout
    assert ("Capability bounding set: [none]" in shown) == (found["bounding"] == 0)


def secured(user: str = "", **host: Any) -> dict[str, Any]:
    document = spec.default_spec(["true"])
    settings_security.secure(document, host, user)
    return document


def test_config_json_has_what_is_left_and_the_rest_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "sets", lambda pid: {"bounding": BIT["CAP_CHOWN"] | 1 << 63})
    host: dict[str, Any] = {"CapAdd": ["CAP_SYS_TIME"], "CapDrop": ["CAP_KILL"]}
    document = secured(**host)
    assert document["process"]["capabilities"]["bounding"] == ["CAP_CHOWN"]
    lost = settings_security.lost(host, document)
    assert set(lost) == (set(DEFAULT) | {"CAP_SYS_TIME"}) - {"CAP_KILL", "CAP_CHOWN"}


def test_in_a_user_namespace_the_sets_are_full_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "sets", lambda pid: {"bounding": 0})
    document = spec.default_spec(["true"])
    document["linux"]["namespaces"].append({"type": "user"})
    settings_security.secure(document, {"Privileged": True}, "")
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    assert document["process"]["capabilities"]["bounding"] == list(NAMES[: last + 1])
    assert settings_security.lost({"CapAdd": [NAMES[last]]}, document) == []


@pytest.mark.parametrize(("user", "own"), [("", 1), ("0", 1), ("root", 1), ("web:web", 1)])
def test_root_has_it_all_at_once(user: str, own: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "sets", lambda pid: {"bounding": EVERYTHING})
    rights = secured(user)["process"]["capabilities"]
    assert rights["effective"] == rights["permitted"] == rights["bounding"]
    assert set(rights["bounding"]) == set(DEFAULT)


@pytest.mark.parametrize("user", ["1000", "1000:0", "33:web"])
def test_another_user_has_only_the_bounding_set(user: str) -> None:
    rights = secured(user)["process"]["capabilities"]
    assert rights["effective"] == rights["permitted"] == []
    assert rights["bounding"]


def test_privileged_hides_nothing_and_opens_every_device() -> None:
    document = secured(Privileged=True)
    linux = document["linux"]
    assert linux["maskedPaths"] == linux["readonlyPaths"] == []
    assert linux["resources"]["devices"][-1] == {"allow": True, "access": "rwm"}
    assert "/dev/null" in [row["path"] for row in linux["devices"]]
    assert not [row for row in document["mounts"] if "ro" in row["options"]]


def test_without_devices_nothing_is_said_about_them() -> None:
    assert "devices" not in secured()["linux"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], False),
        (["no-new-privileges"], True),
        (["no-new-privileges:true"], True),
        (["no-new-privileges=true"], True),
        (["no-new-privileges=false"], False),
        (["no-new-privileges", "no-new-privileges:false"], False),
        (["seccomp=unconfined"], False),
    ],
)
def test_no_new_privileges(options: list[str], expected: bool) -> None:
    assert settings_security.no_new_privileges(options) is expected


def test_sysctls_have_docker_s_defaults_where_the_network_is_the_container_s() -> None:
    assert secured(NetworkMode="none")["linux"]["sysctl"] == sysctls.DEFAULTS
    assert "sysctl" not in secured(NetworkMode="host")["linux"]
    assert "sysctl" not in secured(NetworkMode="container:x")["linux"]
    given = {"net.ipv4.ping_group_range": "1 0", "kernel.sem": "1 2 3 4"}
    found = secured(NetworkMode="none", Sysctls=given)["linux"]["sysctl"]
    assert found == {**sysctls.DEFAULTS, **given}


def test_names_come_in_the_order_of_their_numbers() -> None:
    assert capabilities_names.names(mask(["kill", "chown"])) == ["CAP_CHOWN", "CAP_KILL"]
