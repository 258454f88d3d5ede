"""skopeo and tar: programs that move images and files, and run nothing."""

from __future__ import annotations

import shutil

from benchmarks.peers import Peer
from benchmarks.sample import REFERENCE, Sample

REMOTE = f"docker://{REFERENCE}"
# Each layer to a directory of its own, $1/0, $1/1 and so on.
UNPACK = """
to=$1; n=0; shift
for layer; do
    mkdir -p "$to/$n" && tar -xzf "$layer" -C "$to/$n" || exit
    n=$((n + 1))
done
"""


class Skopeo(Peer):
    """skopeo: copies an image between a registry and a layout; it does not unpack."""

    name = program = package = "skopeo"

    def take(self, source: str) -> bool:
        return True  # it pushes the layout as it lies there

    def push(self, sample: Sample) -> list[str]:
        return self._copy("--dest-tls-verify=false", f"oci:{sample.layout}:1", REMOTE)

    def pull(self, sample: Sample) -> list[str]:
        return self._copy("--src-tls-verify=false", REMOTE, f"oci:{self._place()}:1")

    def drop(self) -> None:
        shutil.rmtree(self._place(), ignore_errors=True)

    def _copy(self, *words: str) -> list[str]:
        return [self.program, "--insecure-policy", "copy", "--quiet", *words]

    def _place(self) -> str:
        return f"{self.inside.directory}/skopeo"


class Tar(Peer):
    """GNU tar with gzip: the layers' files, from layers that lie there already."""

    name = program = package = "tar"

    def pull(self, sample: Sample) -> list[str]:
        return self.unpack(sample, f"{self.inside.directory}/tar")

    def drop(self) -> None:
        shutil.rmtree(f"{self.inside.directory}/tar", ignore_errors=True)

    def unpack(self, sample: Sample, directory: str) -> list[str]:
        return ["sh", "-c", UNPACK, "sh", directory, *sample.layers]
