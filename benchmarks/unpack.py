"""Unpack layers, each to a directory of its own, as a pull does: the engine's part of it alone.

    python3 -IS benchmarks/unpack.py DIRECTORY LAYER ...

There is no such command, since a store has more to do: this one starts as `mini-docker` does.
"""

from __future__ import annotations

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from mini_docker import layers_unpack  # noqa: E402


def main(directory: str, *layers: str) -> None:
    """Unpack *layers* to DIRECTORY/0, DIRECTORY/1 and so on."""
    for number, path in enumerate(layers):
        os.makedirs(f"{directory}/{number}")
        with (
            open(path, "rb", buffering=0) as file,
            layers_unpack.open_tree(f"{directory}/{number}") as tree,
        ):
            layers_unpack.unpack(file, tree)


if __name__ == "__main__":
    main(*sys.argv[1:])
