"""A container as a drawing: what container_facts.py finds, in the language of Graphviz.

Processes hang below their parents, the monitor outside of the container. A namespace that is
not the container's own has an edge to whom it shares it with. Beside them the control group
with its limits, what is mounted, and the network links with their other ends.

graphviz.org/doc/info/lang.html
"""

from __future__ import annotations

import os

from mini_docker import container_facts, containers, sizes
from mini_docker.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.container_facts import Mount, Process
    from mini_docker.containers import Container

HEAD = """digraph container {
  rankdir=LR; bgcolor="transparent"; nodesep=0.12; ranksep=0.5;
  fontname="sans-serif"; fontsize=12; fontcolor="#808080"; color="#808080"; style=rounded;
  node [fontname="sans-serif", fontsize=11, shape=box, style="filled,rounded",
        color="#808080", fontcolor="#1a1a1a", fillcolor="#f2f2f2"];
  edge [color="#808080", arrowsize=0.6];
"""
STYLES = {
    "process": 'fillcolor="#cfe3fa"',
    "own": 'fillcolor="#d9f0d3"',
    "shared": 'fillcolor="#ffd9b3", penwidth=2',
    "group": 'fillcolor="#ffe8a3", shape=note, style=filled',
    "mounts": "shape=folder, style=filled",
    "link": 'fillcolor="#e3d7f5"',
    "outside": 'style="filled,dashed"',
}
LISTS = ("group", "mounts")  # whose lines begin at the left margin
SHOWN = 40  # nodes or lines of a kind; what is more is counted
WIDEST = 60  # characters of a line
UNLIMITED = 2**62  # bytes; version 1 has a number where version 2 says "max"
IN_BYTES = ("_in_bytes", "memory.current", "memory.max", "memory.swap.max")
HOST = "host"  # the node of what is not the container's
INITIAL = 0xEFFFFFFD  # the number of the host's own user namespace: linux/proc_ns.h


class Drawing:
    """The nodes and edges of a drawing: what is in the container, and what is outside of it."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.inside: dict[str, list[str]] = {}  # by the name of the box that they are in
        self.outside: dict[str, None] = {}  # each once

    def add(self, box: str, name: str, lines: list[str], style: str) -> None:
        """Add the node *name* to *box*, "" for outside; its label has *lines*."""
        node = f"{_quote(name)} [label={_label(lines, style in LISTS)}, {STYLES[style]}];"
        if box:
            self.inside.setdefault(box, []).append(node)
        else:
            self.outside[node] = None

    def link(self, name: str, other: str, words: str = "style=solid") -> None:
        """Add an edge with *words* from the node *name* to another one."""
        self.outside[f"{_quote(name)} -> {_quote(other)} [{words}];"] = None

    def text(self) -> str:
        """Return the drawing."""
        lines = ["  subgraph cluster_container {", f"    label={_label([self.title])};"]
        for number, (box, nodes) in enumerate(self.inside.items()):
            lines += [f"    subgraph cluster_{number} {{", f"      label={_label([box])};"]
            lines += [*(f"      {node}" for node in nodes), "    }"]
        return HEAD + "\n".join([*lines, "  }", *(f"  {it}" for it in self.outside), "}", ""])


def dot(it: Container) -> str:
    """Return the drawing of *it*, running or not, in the language of Graphviz."""
    drawing = Drawing(f"{it.name()} {it.id[:12]}, {it.status()}")
    if not it.running():
        lines = ["the kernel holds nothing", "of this container"]
        drawing.add("kernel", "nothing", lines, "outside")
        return drawing.text()
    process = containers.hold(it)
    try:
        _processes(drawing, it)
        _namespaces(drawing, it)
        _group(drawing, it.pid())
        _mounts(drawing, container_facts.mounts(it.pid()))
        _links(drawing, it.pid())
    except (FileNotFoundError, ProcessLookupError):
        raise StateError(f"container {it.name()} has ended meanwhile") from None
    finally:
        os.close(process)
    return drawing.text()


def _processes(drawing: Drawing, it: Container) -> None:
    found = container_facts.processes(it)
    here = {one.pid for one in found[:SHOWN]}
    for one in found[:SHOWN]:
        drawing.add("processes", f"pid {one.pid}", _told(one), "process")
        if one.parent in here:
            drawing.link(f"pid {one.parent}", f"pid {one.pid}")
        elif one.parent:  # 0: it is in a pid namespace that we do not see
            _parent(drawing, it, one)
    if len(found) > SHOWN:
        drawing.add("processes", "more", [f"and {len(found) - SHOWN} more"], "process")


def _told(process: Process) -> list[str]:
    numbers = f"pid {process.inside}, on the host {process.pid}"
    return [process.command, numbers, f"uid {process.uid}, {process.state}"]


def _parent(drawing: Drawing, it: Container, one: Process) -> None:
    """Add the process outside that has started *one*: the monitor, or an exec."""
    name = f"pid {one.parent}"
    try:
        parent = container_facts.Process(one.parent)
    except (FileNotFoundError, ProcessLookupError):
        return  # it has ended, and somebody else is the parent now
    kind = "monitor" if one.pid == it.pid() else "exec"
    drawing.add("", name, [kind, f"pid {parent.pid} on the host"], "outside")
    drawing.link(name, f"pid {one.pid}", "style=dashed")


def _namespaces(drawing: Drawing, it: Container) -> None:
    for one in container_facts.namespaces(it):
        whom = [f"container {other}" for other in one.others[:SHOWN]]
        if one.shared:  # an ordinary user's engine is in a user namespace of its own
            whom = ["the engine" if one.kind == "user" and one.inode != INITIAL else HOST]
        words = "shared" if whom else "its own"
        lines = [f"{one.kind}: {words}", str(one.inode)]
        drawing.add("namespaces", f"ns {one.kind}", lines, "shared" if whom else "own")
        for name in whom:
            drawing.add("", name, [name], "outside")
            drawing.link(f"ns {one.kind}", name, "dir=none")


def _group(drawing: Drawing, pid: int) -> None:
    """Add the control group of process *pid*, with its limits and what it uses."""
    paths = sorted({path for _, path in container_facts.own_groups(pid).values()})
    rows = [f"{name}  {_amount(name, value)}" for name, value in container_facts.limits(pid)]
    lines = [*_some(paths), *_some(rows)] or ["none of its own"]
    drawing.add("control group", "group", lines, "group")
    drawing.link("ns pid", "group", "style=invis")  # a column to the right


def _amount(name: str, value: str) -> str:
    if value.isdecimal() and name.endswith(IN_BYTES):
        return "max" if int(value) >= UNLIMITED else sizes.bytes_size(int(value))
    return value


def _mounts(drawing: Drawing, found: list[Mount]) -> None:
    rows = []
    for one in found:
        layers = f" of {one.layers} layers" if one.layers else ""
        rows.append(f"{one.point}  {one.kind}{layers}{', ro' if 'ro' in one.options else ''}")
    drawing.add("mounts", "mounts", _some(rows), "mounts")
    drawing.link("ns pid", "mounts", "style=invis")


def _links(drawing: Drawing, pid: int) -> None:
    """Add the links of process *pid*; of a pair of veth the other end and its bridge as well."""
    if container_facts.inode(pid, "net") == container_facts.inode("self", "net"):
        return  # the host's, all of them
    here = None
    for link in container_facts.links(pid)[:SHOWN]:
        name = f"link {link['ifname']}"
        drawing.add("links", name, _addresses(link), "link")
        if "link_netnsid" not in link or "link_index" not in link:
            continue
        here = container_facts.links() if here is None else here
        ends = [other for other in here if other["ifindex"] == link["link_index"]]
        for other in ends:
            drawing.add("", f"host {other['ifname']}", _addresses(other), "outside")
            drawing.link(name, f"host {other['ifname']}", "dir=none")
            if bridge := other.get("master"):
                drawing.add("", f"host {bridge}", [str(bridge), "on the host"], "outside")
                drawing.link(f"host {other['ifname']}", f"host {bridge}", "dir=none")


def _addresses(link: dict[str, Any]) -> list[str]:
    kind = link.get("linkinfo", {}).get("info_kind", link.get("link_type", ""))
    rows = [f"{one['local']}/{one['prefixlen']}" for one in link.get("addr_info", ())]
    state = "up" if "UP" in link.get("flags", ()) else "down"
    return [f"{link['ifname']}  {kind}, {state}", *_some(rows)]


def _some(rows: list[str]) -> list[str]:
    """Return at most SHOWN of *rows*, and how many there are besides."""
    more = len(rows) - SHOWN
    return [*rows[:SHOWN], f"and {more} more"] if more > 0 else rows


def _label(lines: list[str], left: bool = False) -> str:
    r"""Return *lines* as a label: \l ends one at the left margin, \n one in the middle."""
    if left:
        return '"' + "".join(f"{_plain(line)}\\l" for line in lines) + '"'
    return '"' + "\\n".join(_plain(line) for line in lines) + '"'


def _quote(text: str) -> str:
    return f'"{_plain(text)}"'


def _plain(text: str) -> str:
    """Return *text* for a quoted string: nothing in it has a meaning to Graphviz, or moves ink."""
    shown = text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)
    return shown.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
