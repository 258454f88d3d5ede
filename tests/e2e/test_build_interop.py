"""buildah beside us: of the same context both make the same file tree, and the same config.

Each row of CASES is built by both from the same busybox. The layers of both are read here, with
tarfile, and compared file by file: type, owner, mode, content, target, attributes.

Known differences, and why they are none of ours (each is outside of what is compared, or is
taken out of it in a place that names it here):

- Times of files. A RUN and a directory made on the way have the time of the build. COPY keeps
  that of the source in both.
- The label io.buildah.version: an advertisement (--identity-label=false).
- Layers and history. buildah makes one layer of a whole build, docker and we one of each step.
- Files that a container gets from its engine (/etc/hosts, /etc/resolv.conf, /etc/hostname,
  /run/.containerenv, /proc, /sys, /dev): buildah leaves some in the image, docker leaves the
  empty files that it has mounted over. PLACES are not compared.
- WORKDIR of a directory that is missing, and no step after it: buildah makes it when the image is
  committed and does not tell whose it is. Before a RUN it is the USER's, as in BuildKit and here.
- The order of Env: a variable that ENV changes stays where it was in docker and here, and goes
  to the end in buildah.
- Health checks: buildah 1.28 keeps StartPeriod and knows no StartInterval.
- ENTRYPOINT ["..."] without CMD: buildah 1.28 keeps the base's Cmd, where docker has dropped it
  since 1.10 (docs.docker.com, "Understand how CMD and ENTRYPOINT interact"); not in the table.
- SHELL, then CMD in its plain form: buildah 1.28 keeps /bin/sh -c in it; not in the table.
- COPY [[]x] for a file called "[x]": buildah 1.28 finds none; not in the table.
- Here-documents, COPY --link, --parents and --exclude: unknown to buildah 1.28; not in the table.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import builds
from tests.e2e.builds import Files, root
from tests.e2e.conftest import Engine

pytestmark = pytest.mark.e2e
__all__ = ["root"]  # a fixture

BASE = "docker.io/library/busybox:latest"
PLACES = ("etc/hosts", "etc/resolv.conf", "etc/hostname", "etc/mtab", "proc", "sys", "dev", "run")
FIELDS = (
    *("Env", "Cmd", "Entrypoint", "WorkingDir", "User", "Labels", "ExposedPorts", "Volumes"),
    *("StopSignal", "Healthcheck", "OnBuild", "Shell"),
)
TREE: Files = {
    "a.txt": "a\n",
    "b.txt": "b\n",
    "c.go": "package c\n",
    "dir/one": "1\n",
    "dir/sub/two": "2\n",
    "dir/.hidden": "h\n",
    "empty/": "",
    "[x]": "brackets\n",
    "with space": "blank\n",
}
CASES: dict[str, tuple[str, Files]] = {
    "run": (
        """
RUN echo hello >/hello && mkdir -p /a/b && chmod 700 /a/b && ln -s /hello /a/link
RUN ["sh", "-c", "echo json >/json; chown 12:34 /json; chmod 4755 /json"]
RUN rm /etc/passwd; mkdir /etc/new; touch /etc/new/x
RUN touch a && \\
    # a comment
    touch b

RUN ln /hello /hard && mkfifo /fifo
""",
        {},
    ),
    "copy-to-a-file": ("COPY a.txt /new\nCOPY a.txt new2\nCOPY a.txt /deep/er/new\n", TREE),
    "copy-to-a-directory": (
        "COPY a.txt /d/\nCOPY a.txt b.txt /e/\nCOPY a.txt /etc\nCOPY a.txt .\nCOPY b.txt ./\n",
        TREE,
    ),
    "copy-a-directory": (
        "COPY dir /x\nCOPY dir /y/\nCOPY dir/ /z\nCOPY dir dir/sub /two/\nCOPY empty /empty\n",
        TREE,
    ),
    "copy-all": ("WORKDIR /src\nCOPY . .\n", TREE),
    "copy-globs": ("COPY *.txt /t/\nCOPY [ab].* /u/\nCOPY ?.go /v/\nCOPY d*/one /w/\n", TREE),
    "copy-odd-names": ('COPY ["with space", "/o/"]\n', TREE),
    "copy-relative": ("WORKDIR /w\nCOPY a.txt b/\nWORKDIR sub\nCOPY a.txt c\nCOPY dir ./d\n", TREE),
    "copy-onto-what-is-there": (
        "RUN mkdir /d && echo old >/d/a.txt && chmod 600 /d/a.txt\nCOPY a.txt /d/\nCOPY dir /d\n",
        TREE,
    ),
    "copy-through-a-link": (
        "RUN mkdir /real && ln -s /real /link && ln -s real /rel\nCOPY a.txt /link/\n"
        "COPY b.txt /rel/x\nCOPY dir /link/\n",
        TREE,
    ),
    "copy-chown": (
        "RUN echo me:x:1234:1234::/:/bin/sh >>/etc/passwd; echo them:x:555: >>/etc/group\n"
        "COPY --chown=me:them a.txt /1\n"
        "COPY --chown=7 a.txt /2\nCOPY --chown=8:9 dir /3\nCOPY --chown=me dir /4/\n"
        "COPY --chown=0:them a.txt /5\n",
        TREE,
    ),
    "copy-chmod": ("COPY --chmod=600 a.txt /1\nCOPY --chmod=0755 b.txt /2\n", TREE),
    "copy-modes": ("COPY . /x/\n", {"run.sh": "#!/bin/sh\n", "plain": "x"}),
    "ignore": (
        "COPY . /x/\n",
        {
            **TREE,
            ".dockerignore": "# a\n*.txt\n!b.txt\ndir/sub\n**/.hidden\n/with space\nDockerfile\n",
        },
    ),
    "ignore-all-but": (
        "COPY . /x/\n",
        {**TREE, ".dockerignore": "**\n!dir/sub/\n!*.go\n"},
    ),
    "add-archives": (
        "ADD one.tar /a/\nADD two.tar.gz /b/\nADD three.tar.xz c\nCOPY one.tar /d/\n",
        {},
    ),
    "env": (
        'ENV a=1 b="two words" c=it\\\'s d=$a\nENV old style value\nENV PATH=/x:$PATH\n'
        "ENV e=${a}x f=${nothing:-default} g=${a:+set} h=\\$a i='$a'\nRUN env | sort >/env\n"
        "RUN sed -i -e /HOSTNAME/d -e /HOME/d -e /PWD/d -e /SHLVL/d -e /container/d /env\n",
        {},
    ),
    "args": (
        "ARG x\nARG y=default\nARG z\nENV seen=$x-$y-$z\nRUN echo $x $y $z >/args\n",
        {},
    ),
    "labels": (
        'LABEL a=1 b="two words" com.example.x=y\nLABEL "quoted key"=v\nLABEL c=d \\\n  e=f\n',
        {},
    ),
    "config": (
        "USER 12:34\nWORKDIR /tmp\nEXPOSE 80 443/tcp 53/udp\nVOLUME /data\nSTOPSIGNAL SIGINT\n"
        'VOLUME ["/v1", "/v2"]\nENTRYPOINT ["sh", "-c"]\nCMD ["echo hi"]\n',
        {},
    ),
    "commands": ("CMD echo $HOME\nENTRYPOINT exec top -b\nCMD one two\n", {}),
    "shell": ('SHELL ["/bin/sh", "-ec"]\nRUN echo x >/x\n', {}),
    "health": (
        "HEALTHCHECK --interval=5s --timeout=3s --retries=4 CMD wget -q localhost\n",
        {},
    ),
    "no-health": ("HEALTHCHECK CMD true\nHEALTHCHECK NONE\n", {}),
    "onbuild": ("ONBUILD COPY a /a\nONBUILD RUN echo b\n", {}),
    "user": (
        "RUN echo me:x:1000:1000::/:/bin/sh >>/etc/passwd; mkdir /w && chown me /w\n"
        "USER me\nWORKDIR /w\n"
        "RUN touch mine && id -u >id\nCOPY a.txt theirs\nUSER root\nRUN touch roots\n",
        TREE,
    ),
    "workdir-of-a-user": ("USER 12:34\nWORKDIR /n/m\nRUN true\n", {}),
    "stages": (
        """AS one
RUN mkdir /out && echo built >/out/it && ln -s it /out/link
FROM one AS two
RUN echo two >>/out/it
FROM busybox
COPY --from=one /out /1
COPY --from=two /out/it /2
COPY --from=0 /out/link /3/
COPY --from=two --chown=3:4 /out/ /4/
""",
        {},
    ),
    "links-in-the-context": ("COPY . /x/\nCOPY link /y\nCOPY dirlink /z/\n", {**TREE}),
}
ARGUMENTS = ("--build-arg", "x=1", "--build-arg", "z=3")


def tool(*words: str | Path) -> str:
    """Run a program of the distribution's; return what it prints."""
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


class Buildah:
    """buildah with a storage of its own, which has our busybox."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.command = ["buildah", "--root", str(folder / "storage")]
        self.command += ["--runroot", str(folder / "run"), "--storage-driver", "vfs"]
        engine.ok("save", "-o", str(folder / "box.tar"), "busybox")
        self("tag", self("pull", "-q", f"docker-archive:{folder / 'box.tar'}"), BASE)

    def __call__(self, *words: str) -> str:
        return tool(*self.command, *words)

    def build(self, context: Path) -> dict[str, Any]:
        """Build the image "it" from *context*; return its config."""
        words = ["bud", "--isolation", "chroot", "--pull-never", "--identity-label=false", "-q"]
        self(*words, "--format", "docker", *ARGUMENTS, "-t", "it", str(context))
        document = json.loads(json.loads(self("inspect", "--type", "image", "it"))["Config"])
        found: dict[str, Any] = document["config"]
        return found


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Buildah]:
    """buildah, whose images and containers are removed in the end."""
    it = Buildah(tmp_path_factory.mktemp("buildah"), Engine(root))
    yield it
    it("rm", "--all")
    it("rmi", "--all", "--force")


def tree(layout: Path) -> dict[str, tuple[Any, ...]]:
    """Return the files of the one image in *layout*, but for PLACES: path, and what is compared."""

    def blob(row: dict[str, Any]) -> Path:
        return layout / "blobs/sha256" / str(row["digest"]).removeprefix("sha256:")

    (row,) = json.loads((layout / "index.json").read_text())["manifests"]
    found: dict[str, tuple[Any, ...]] = {}
    for layer in json.loads(blob(row).read_text())["layers"]:
        with tarfile.open(blob(layer)) as archive:
            for it in archive:
                _apply(found, posixpath.normpath(it.name), it, archive)
    return {name: it for name, it in found.items() if not _below(name, *PLACES)}


def _below(name: str, *places: str) -> bool:
    return any(name == place or name.startswith(f"{place}/") for place in places)


def _apply(
    found: dict[str, tuple[Any, ...]], name: str, it: tarfile.TarInfo, archive: tarfile.TarFile
) -> None:
    """Put one entry of a layer into *found*, or take away what it marks as removed."""
    above, _, last = name.rpartition("/")
    if last.startswith(".wh."):
        opaque = last == ".wh..wh..opq"
        gone = above if opaque else posixpath.join(above, last[4:])
        for other in [it for it in found if _below(it, gone) and not (opaque and it == gone)]:
            del found[other]
        return
    content = it.linkname
    if it.isreg():
        content = hashlib.sha256(archive.extractfile(it).read()).hexdigest()  # type: ignore[union-attr]
    attributes = {key: value for key, value in it.pax_headers.items() if "xattr" in key}
    kind = it.type if it.type != tarfile.AREGTYPE else tarfile.REGTYPE
    if it.islnk():
        found[name] = found[posixpath.normpath(it.linkname)]
    else:
        found[name] = (kind, oct(it.mode & 0o7777), it.uid, it.gid, content, attributes)


@pytest.mark.parametrize("case", CASES)
def test_the_same_tree_and_config(
    engine: Engine, buildah: Buildah, tmp_path: Path, case: str
) -> None:
    text, sources = CASES[case]
    start = "FROM busybox " if text.startswith("AS ") else "FROM busybox\n"
    context = builds.written(tmp_path / "c", {**sources, "Dockerfile": start + text.lstrip("\n")})
    _furnish(context, case)
    theirs = buildah.build(context)
    buildah("push", "-q", "it", f"oci:{tmp_path / 'theirs'}:it")
    engine.ok("build", "-q", "-t", "it", *ARGUMENTS, str(context))
    engine.ok("save", "-o", str(tmp_path / "ours.tar"), "it")
    with tarfile.open(tmp_path / "ours.tar") as archive:
        archive.extractall(tmp_path / "ours")
    assert _config(builds.config(engine, "it")["Config"]) == _config(theirs)
    left, right = tree(tmp_path / "ours"), tree(tmp_path / "theirs")
    assert "bin/busybox" in left
    names = left.keys() | right.keys()
    differ = {it: (left.get(it), right.get(it)) for it in names if left.get(it) != right.get(it)}
    assert differ == {}, "ours, buildah's"


def _config(found: dict[str, Any]) -> dict[str, Any]:
    """Return what is compared of a config: what it says, however it says nothing."""
    kept = {name: found[name] for name in FIELDS if found.get(name)}
    return {**kept, "Env": sorted(kept["Env"])}


def _furnish(context: Path, case: str) -> None:
    """Add what no table can hold: modes, links, archives."""
    if case == "copy-modes":
        (context / "run.sh").chmod(0o755)
        (context / "plain").chmod(0o600)
    if case == "links-in-the-context":
        (context / "link").symlink_to("a.txt")
        (context / "dirlink").symlink_to("dir")
        (context / "dangling").symlink_to("/nowhere")
    if case == "add-archives":
        inner = builds.written(context.parent / "inner", {"x/y": "1\n", "z": "2\n"})
        (inner / "link").symlink_to("z")
        (inner / "z").chmod(0o4711)
        os.chown(inner / "z", 11, 12)
        for name, flag in (("one.tar", "-cf"), ("two.tar.gz", "-czf"), ("three.tar.xz", "-cJf")):
            tool("tar", flag, context / name, "-C", inner, ".")
