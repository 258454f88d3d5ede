"""Images and layers as a drawing: names lead to images, images to stacks, stacks share layers.

The text is Graphviz's language (graphviz.org/doc/info/lang.html); the program `dot` turns it
into a picture. Colours are such that it can be read on white and on black.
"""

from __future__ import annotations

import subprocess

from mini_docker import image_facts, image_store, images, sizes
from mini_docker.errors import ConfigError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mini_docker.image_lookup import Image

FORMATS = ("dot", "svg", "png")
HEAD = """digraph images {
  rankdir=LR; bgcolor="transparent"; nodesep=0.15; ranksep=0.4;
  node [fontname="sans-serif", fontsize=11, shape=box, style="filled,rounded",
        color="#808080", fontcolor="#1a1a1a", fillcolor="#f2f2f2"];
  edge [color="#808080", arrowsize=0.6];
"""
STYLES = {
    "name": 'fillcolor="#ffe8a3", shape=cds, style=filled',
    "image": 'fillcolor="#cfe3fa"',
    "layer": 'fillcolor="#d9f0d3", style=filled',
    "shared": 'fillcolor="#a6d99a", style=filled, penwidth=2',
}


def dot(found: Iterable[Image]) -> str:
    """Return the drawing of *found* in the language of Graphviz.

    A name points to its image, an image to its topmost layer, a layer to the one below. A
    layer that several images have is there once, with a thick frame.
    """
    nodes: dict[str, str] = {}
    edges: dict[tuple[str, str], str] = {}
    users: dict[str, int] = {}
    for image in found:
        label = f"{_short(image.id)}\\nimage"
        nodes[image.id] = f"  {_quote(image.id)} [label={_quote(label)}, {STYLES['image']}];"
        for name in image.names:
            label = images.parse(name).familiar()
            label = label if "@" not in name else label[: label.index("@") + 20] + "…"
            nodes[name] = f"  {_quote(name)} [label={_quote(label)}, {STYLES['name']}];"
            edges[name, image.id] = ""
        _stack(image, nodes, edges, users)
    lines = [HEAD.rstrip("\n"), *nodes.values()]
    lines += [f"  {_quote(a)} -> {_quote(b)};" for a, b in edges]
    lines += [f"  {_quote(c)} [{STYLES['shared']}];" for c, count in users.items() if count > 1]
    return "\n".join([*lines, "}", ""])


def _stack(
    image: Image,
    nodes: dict[str, str],
    edges: dict[tuple[str, str], str],
    users: dict[str, int],
) -> None:
    """Add the layers of *image*, the topmost first."""
    chain = [f"layer {id}" for id in image.chain_ids()]
    diff_ids = image_store.diff_ids(image.document, image.id)
    rows = zip(chain, diff_ids, image_facts.layer_sizes(image), strict=True)
    for key, diff_id, size in rows:
        label = f"{_short(diff_id)}\\n{sizes.human_size(size)}"
        nodes[key] = f"  {_quote(key)} [label={_quote(label)}, {STYLES['layer']}];"
        users[key] = users.get(key, 0) + 1
    above = image.id
    for key in reversed(chain):
        edges[above, key] = ""
        above = key


def draw(text: str, form: str) -> bytes:
    """Return the drawing *text* as dot (as it is), svg or png; NotFound without Graphviz."""
    if form == "dot":
        return text.encode()
    try:
        done = subprocess.run(
            ["dot", f"-T{form}"], input=text.encode(), capture_output=True, check=False
        )
    except FileNotFoundError:
        raise NotFound("there is no program 'dot' here: install the package graphviz") from None
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise ConfigError(f"dot could not make the drawing: {why[0]}")
    return done.stdout


def _short(id: str) -> str:
    return id.removeprefix("sha256:")[:12]


def _quote(text: str) -> str:
    r"""Return *text* as a string of that language; \n in it stays a new line."""
    return '"' + text.replace('"', '\\"') + '"'
