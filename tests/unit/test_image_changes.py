"""image_changes: what `commit -c` and `import -c` do to an image's config."""

from __future__ import annotations

from typing import Any

import pytest

from mini_docker import image_changes
from mini_docker.errors import UsageError

TABLE: list[tuple[str, dict[str, Any]]] = [
    ('CMD ["a", "b c"]', {"Cmd": ["a", "b c"]}),
    ("CMD echo $HOME", {"Cmd": ["/bin/sh", "-c", "echo $HOME"]}),
    ("cmd [a", {"Cmd": ["/bin/sh", "-c", "[a"]}),
    ('ENTRYPOINT ["x"]', {"Entrypoint": ["x"]}),
    ("ENV A=1 B='x y' C=\"$OLD\"", {"Env": ["OLD=old", "A=1", "B=x y", "C=old"]}),
    ("ENV OLD=new", {"Env": ["OLD=new"]}),
    ("ENV A all that follows", {"Env": ["OLD=old", "A=all that follows"]}),
    (r"ENV A=a\ b\$OLD", {"Env": ["OLD=old", "A=a b$OLD"]}),
    ("ENV A=${OLD}er B='$OLD'", {"Env": ["OLD=old", "A=older", "B=$OLD"]}),
    ("ENV A=${NO:-none} B=${OLD:+some}", {"Env": ["OLD=old", "A=none", "B=some"]}),
    (r'ENV A="say \"hi\" \n"', {"Env": ["OLD=old", r'A=say "hi" \n']}),
    ("EXPOSE 80 53/udp 8000-8001", {
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {}},
    }),
    ("LABEL a=1 b=\"two words\"", {"Labels": {"a": "1", "b": "two words"}}),
    ("ONBUILD RUN make", {"OnBuild": ["RUN make"]}),
    ("STOPSIGNAL SIGQUIT", {"StopSignal": "SIGQUIT"}),
    ("USER $OLD", {"User": "old"}),
    ("VOLUME /a /b", {"Volumes": {"/a": {}, "/b": {}}}),
    ('VOLUME ["/a b"]', {"Volumes": {"/a b": {}}}),
    ("WORKDIR a/../b", {"WorkingDir": "/b"}),
    ("HEALTHCHECK NONE", {"Healthcheck": {"Test": ["NONE"]}}),
    ("HEALTHCHECK --interval=5s --retries=2 CMD curl x", {
        "Healthcheck": {
            "Interval": 5 * 10**9, "Retries": 2, "Test": ["CMD-SHELL", "curl x"],
        },
    }),
    ('HEALTHCHECK CMD ["a"]', {"Healthcheck": {"Test": ["CMD", "a"]}}),
]  # fmt: skip
REFUSED = [
    ("RUN ls", "RUN is not a valid change command"),
    ("", " is not a valid change command"),
    ("CMD", "CMD requires at least one argument"),
    ("ENV A", "ENV must have two arguments"),
    ("ENV A=1 B", 'Syntax error - can\'t find = in "B"'),
    ("ENV =1", "names can not be blank"),
    ("ENV A='1", "looking for matching single-quote"),
    ("EXPOSE 0", "invalid containerPort: 0"),
    ("EXPOSE 9-8", "invalid containerPort: 9-8"),
    ("EXPOSE 1/icmp", "invalid containerPort: 1/icmp"),
    ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
    ('VOLUME [""]', "VOLUME specified can not be an empty string"),
    ("HEALTHCHECK --often CMD x", "unknown flag: --often"),
    ("HEALTHCHECK --retries=x CMD x", 'parsing "x": invalid syntax'),
    ("HEALTHCHECK RUN x", 'Unknown type "RUN"'),
]


@pytest.mark.parametrize(("line", "expected"), TABLE)
def test_a_change(line: str, expected: dict[str, Any]) -> None:
    config = {"Env": ["OLD=old"]}
    found = image_changes.apply(config, [line])
    assert found == {**config, **expected}
    assert config == {"Env": ["OLD=old"]}


@pytest.mark.parametrize(("line", "message"), REFUSED)
def test_a_wrong_change_is_refused(line: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        image_changes.apply({}, [line])
    assert message in str(caught.value)


def test_an_entrypoint_comes_without_the_old_command() -> None:
    assert image_changes.apply({"Cmd": ["x"]}, ['ENTRYPOINT ["y"]']) == {"Entrypoint": ["y"]}
    both = image_changes.apply({"Cmd": ["x"]}, ['CMD ["z"]', 'ENTRYPOINT ["y"]'])
    assert both == {"Cmd": ["z"], "Entrypoint": ["y"]}


def test_changes_build_on_each_other() -> None:
    lines = ["WORKDIR /a", "WORKDIR b", "ENV A=1", "ENV B=$A$A"]
    found = image_changes.apply({}, lines)
    assert found == {"WorkingDir": "/a/b", "Env": ["A=1", "B=11"]}
