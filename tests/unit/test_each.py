"""One thing done to each of several containers."""

from __future__ import annotations

import pytest

from mini_docker import containers
from mini_docker.cli import each
from mini_docker.errors import Conflict, NotFound, StateError
from mini_docker.store import Store
from tests.unit.pretended import Pretended


def test_whatever_goes_wrong_with_one_of_several_is_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(containers, "load", lambda store, name: Pretended(Hostname=name))

    def act(it: containers.Container) -> None:
        name = it.record["Config"]["Hostname"]
        if name == "odd":
            raise ValueError("what is this?")
        if name == "stuck":
            raise StateError("it is stuck")

    assert each.together(Store("/nonexistent"), ["odd", "good", "stuck"], act) == 1
    out, err = capfd.readouterr()
    assert out == "good\n"
    told = ["mini-docker: odd: ValueError: what is this? (this is a bug)"]
    assert err.splitlines() == [*told, "mini-docker: it is stuck"]


@pytest.mark.parametrize("error", [NotFound, Conflict])
@pytest.mark.parametrize("names", [["a{}"], ["a{}", "b"]])
def test_a_verb_of_its_own_before_what_names_no_container(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    error: type[NotFound | Conflict],
    names: list[str],
) -> None:
    def load(store: Store, name: str) -> None:
        raise error(f"not {name}")

    monkeypatch.setattr(containers, "load", load)
    assert each.together(Store("/nonexistent"), names, print, "cannot kill: {0}: ") == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines() == [f"mini-docker: cannot kill: {it}: not {it}" for it in names]
