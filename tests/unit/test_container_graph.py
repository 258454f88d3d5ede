"""The drawing of a container: names from inside of it are quoted, cut and counted."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

import pytest

from mini_docker import container_facts, container_graph, image_graph
from tests.unit.pretended import Pretended

HOSTILE = '"]; evil [label="x\\" \\N \\G <b>&lt;\n\x1b[31m\udcff\u202e' + "A" * 10000


def draw(drawing: container_graph.Drawing) -> str:
    """Return the picture that Graphviz makes, which refuses what it cannot read."""
    return image_graph.draw(drawing.text(), "svg").decode()


def test_a_name_from_inside_is_no_part_of_the_language() -> None:
    drawing = container_graph.Drawing(HOSTILE)
    drawing.add("box", HOSTILE, [HOSTILE, "second"], "process")
    drawing.add("list", "list", [HOSTILE], "mounts")
    drawing.link(HOSTILE, "list")
    picture = draw(drawing)
    assert picture.count('class="node"') == 2 and picture.count('class="edge"') == 1
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", picture)
    assert len([text for text in texts if text.startswith("&quot;]; evil [label=")]) == 3
    assert "\x1b" not in picture and "\u202e" not in picture
    assert all(len(text) < 500 for text in texts)
    assert r"\N \G" in "".join(texts).replace("&#45;", "-")


def test_what_is_outside_is_there_once() -> None:
    drawing = container_graph.Drawing("web")
    for kind in ("net", "user"):
        drawing.add("namespaces", kind, [kind], "shared")
        drawing.add("", "host", ["host"], "outside")
        drawing.link(kind, "host", "dir=none")
    assert drawing.text().count('"host" [label="host"') == 1


@pytest.mark.parametrize("inside", [1, 4711])
def test_the_parent_of_the_first_process_is_the_monitor(inside: int) -> None:
    """Whatever the container's number for it: with --pid host it is not 1."""
    it, other = Pretended(), container_facts.Process(os.getpid())
    first = container_facts.Process(os.getpid())
    first.pid, first.inside, first.parent = it.pid(), inside, os.getppid()
    for one, kind in ((first, "monitor"), (other, "exec")):
        drawing = container_graph.Drawing("web")
        container_graph._parent(drawing, it, one)
        assert f'[label="{kind}\\npid {os.getppid()} on the host"' in drawing.text()


def test_of_many_a_part_is_shown() -> None:
    rows = [str(number) for number in range(100)]
    shown = container_graph._some(rows)
    assert shown[:-1] == rows[: container_graph.SHOWN] and shown[-1] == "and 60 more"
    assert container_graph._some(rows[:40]) == rows[:40]


@pytest.mark.parametrize(
    ("line", "point", "kind", "layers"),
    [
        ("36 35 98:0 / /proc rw,noatime - proc proc rw", "/proc", "proc", 0),
        (
            "36 35 98:0 /a /with\\040blank ro shared:1 master:2 - tmpfs  rw",
            "/with blank",
            "tmpfs",
            0,
        ),
        ("1 2 0:1 / / rw - overlay overlay rw,lowerdir=/a:/b,upperdir=/c", "/", "overlay", 3),
        ("1 2 0:1 / / rw - overlay overlay rw,lowerdir+=/a,lowerdir+=/b", "/", "overlay", 2),
    ],
)
def test_a_line_of_mountinfo(line: str, point: str, kind: str, layers: int) -> None:
    found = container_facts.Mount(line)
    assert (found.point, found.kind, found.layers) == (point, kind, layers)


def test_our_own_process_and_mounts_are_as_we_know_them() -> None:
    one = container_facts.Process(os.getpid())
    assert (one.pid, one.parent, one.uid) == (os.getpid(), os.getppid(), os.getuid())
    assert "pytest" in one.command
    assert container_facts.inode("self", "net") == os.stat("/proc/self/ns/net").st_ino
    points = [mount.point for mount in container_facts.mounts(os.getpid())]
    assert "/proc" in points


def test_a_process_that_is_gone() -> None:
    done = subprocess.Popen(["true"])
    done.wait()
    with pytest.raises((FileNotFoundError, ProcessLookupError)):
        container_facts.Process(done.pid)
    assert container_facts.inode(done.pid, "net") == 0


def test_the_other_end_of_a_link_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    inner: dict[str, Any] = {"ifindex": 2, "ifname": "eth0", "flags": ["UP"]}
    inner |= {"link_index": 7, "link_netnsid": 0, "linkinfo": {"info_kind": "veth"}}
    inner["addr_info"] = [{"local": "172.17.0.2", "prefixlen": 16}]
    outer: dict[str, Any] = {"ifindex": 7, "ifname": "veth1", "flags": [], "master": "docker0"}
    monkeypatch.setattr(container_facts, "inode", lambda pid, _kind: hash(pid))
    monkeypatch.setattr(container_facts, "links", lambda pid=0: [inner] if pid else [outer])
    drawing = container_graph.Drawing("web")
    container_graph._links(drawing, 99)
    text = drawing.text()
    assert '"link eth0" [label="eth0  veth, up\\n172.17.0.2/16"' in text
    assert '"link eth0" -> "host veth1"' in text and '"host veth1" -> "host docker0"' in text
