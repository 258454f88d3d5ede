"""COPY and ADD: where their files come from, and how they become a layer.

a path              of the context, or of the stage or image that --from names
<<EOF               a here-document
http(s)://...       ADD: a download, mode 600
...git#ref          ADD: a repository, its contents
an archive          ADD, of the context: unpacked
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack

from mini_docker import (
    builder,
    builder_add,
    builder_commit,
    builder_download,
    builder_git,
    builder_heredocs,
    builder_mounts,
    builder_place,
    builder_places,
    builder_rules,
    builder_select,
    builder_walk,
    records,
)
from mini_docker.builder_config import workdir
from mini_docker.builder_copy import Copier, Manner
from mini_docker.builder_mounts import Workplace
from mini_docker.builder_select import Root
from mini_docker.errors import ConfigError, NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.builder_ground import Ground, Job
    from mini_docker.builder_instructions import Instruction
    from mini_docker.builder_scope import Scope
    from mini_docker.builder_select import Source

Chosen = list[tuple[Root, "Source"]]
DOWNLOAD, DOCUMENT = "download", "document"  # their names while they are not copied yet


class Files:
    """One COPY or ADD, with its variables put in."""

    def __init__(self, it: Instruction, scope: Scope, config: dict[str, Any]) -> None:
        self.it = it
        self.flags = builder_rules.flags(it)
        words = [scope.expand(word, config) for word in it.words]
        *self.sources, self.target = words
        last = self.target.rstrip("/").rpartition("/")[2]
        slash = "/" if self.target.endswith("/") or last in ("", ".", "..") else ""
        self.destination = workdir(config, self.target).rstrip("/") + slash or "/"
        self.chown = scope.expand(self._flag("chown"), config)
        self.chmod = scope.expand(self._flag("chmod"), config)
        self.from_ = self._flag("from")
        self.checksum = scope.expand(self._flag("checksum"), config)
        self.documents = {
            document.name: scope.expand_document(document.text(), config)
            if document.expand
            else document.text()
            for document in it.heredocs
        }
        if self.chmod:
            builder_place.check_mode(self.chmod)

    def _flag(self, name: str) -> str:
        return self.flags.get(name, [""])[-1]

    def on(self, name: str) -> bool:
        """Say whether the flag *name* is on."""
        return self._flag(name) == "true"

    def excluded(self) -> builder.Ignore | None:
        """Return what --exclude leaves out."""
        patterns = self.flags.get("exclude", [])
        return builder.Ignore(patterns) if patterns else None

    def promised(self) -> str:
        """Return --checksum if that says all of the content: then a known file is not fetched."""
        urls = (builder_download.is_url(it) and not builder_git.parse(it) for it in self.sources)
        return self.checksum if self.it.name == "ADD" and all(urls) else ""

    def text(self) -> str:
        """Return what stands for the instruction in a key: everything but the files."""
        flags = {name: values for name, values in self.flags.items() if name != "link"}
        flags |= {"chown": [self.chown], "chmod": [self.chmod]}
        return records.dump([self.it.name, flags, self.sources, self.destination])

    def note(self) -> str:
        """Return what the history says."""
        flags = [f"{flag} " for flag in self.it.flags]
        return f"{self.it.name} {''.join(flags)}{' '.join(self.sources)} {self.target}"

    def check_target(self, count: int) -> None:
        """Refuse several files for one name."""
        if count > 1 and not self.destination.endswith("/"):
            raise UsageError(
                f"When using {self.it.name} with more than one source file, the destination must "
                "be a directory and end with a /"
            )


class Gatherer:
    """Finds the sources of an instruction; what it opens lives as long as *stack*."""

    def __init__(self, job: Job, files: Files, stack: ExitStack) -> None:
        self._job = job
        self._files = files
        self._stack = stack
        self._main: Root | None = None
        self._scratch = ""

    def gather(self, root: Root | None) -> Chosen:
        """Return all sources, in their order; *root* is that of --from, None: the context."""
        self._main = root
        chosen: Chosen = []
        for text in self._files.sources:
            chosen += self._one(text)
        if not chosen:
            raise NotFound(f"no source files were specified: {' '.join(self._files.sources)}")
        return chosen

    def _one(self, text: str) -> Chosen:
        files = self._files
        announced = builder_heredocs.announcement(text)
        if announced and announced[0] in files.documents and not files.it.json:
            return self._document(announced[0])
        if files.it.name == "ADD":
            if remote := builder_git.parse(text):
                remote.commit = files.checksum or remote.commit
                place = self._place("repository")
                builder_git.fetch(remote, place, files.on("keep-git-dir"))
                found = self._open(place)
                return [(found, it) for it in builder_select.select(found, remote.subdirectory)]
            if builder_download.is_url(text):
                if files.checksum:
                    builder_add.check_sum(files.checksum, text)
                place, name = self._place("download"), builder_add.url_name(text)
                path = f"{place}/{DOWNLOAD}"
                builder_add.download(text, path, files.checksum, self._job.alive)
                return self._in(place, DOWNLOAD, name)
        if files.checksum:
            raise UsageError(f"checksum can't be specified for non-HTTP(S) sources: {text}")
        root = self._main or self._context(text)
        parents = files.on("parents")
        return [(root, it) for it in builder_select.select(root, text, parents)]

    def _context(self, text: str) -> Root:
        """Return the context, opened once."""
        self._main = self._stack.enter_context(self._job.context(f'"{text}"'))
        return self._main

    def _place(self, name: str) -> str:
        """Return an empty directory that is gone when the step is done."""
        if not self._scratch:
            self._scratch = self._stack.enter_context(builder_places.Place(self._job.root)).path
        place = f"{self._scratch}/{name}{len(os.listdir(self._scratch))}"
        os.mkdir(place, 0o755)
        return place

    def _open(self, place: str) -> Root:
        return self._stack.enter_context(Root(place, alive=self._job.alive))

    def _in(self, place: str, file: str, name: str) -> Chosen:
        """Return the *file* in *place* as a source that is called *name*."""
        root = self._open(place)
        status = os.stat(f"{place}/{file}", follow_symlinks=False)
        return [(root, builder_select.Source(file, name, "", status))]

    def _document(self, name: str) -> Chosen:
        if "/" in name or name in (".", ".."):
            raise UsageError(f"a here-document cannot be called {name!r:.100}")
        place = self._place("document")
        if len(os.fsencode(name)) > builder_add.LONGEST:
            raise UsageError(f"a here-document has a name of at most {builder_add.LONGEST} bytes")
        with open(f"{place}/{DOCUMENT}", "xb") as file:
            file.write(self._files.documents[name].encode(errors="surrogateescape"))
            os.fchmod(file.fileno(), 0o644)
        os.utime(f"{place}/{DOCUMENT}", (0, 0))
        return self._in(place, DOCUMENT, name)


def digest(files: Files, chosen: Chosen) -> str:
    """Return a digest of the content of what was chosen."""
    found, excluded = builder_walk.Digest(), files.excluded()
    for root, source in chosen:
        found.add(root, source, excluded)
    return found.text()


def layer(job: Job, ground: Ground, files: Files, chosen: Chosen) -> Any:
    """Copy what was chosen onto *ground*; return the layer, None for no change."""
    job.isolate()
    before, unpacked = ground.state(), False
    place = Workplace(job.transfer)
    with builder_mounts.merged(place, before.lowers()) as root:
        manner = Manner()
        if files.chown:
            manner.owner = builder_place.owner(files.chown, root)
        manner.mode, manner.parents = files.chmod, files.on("parents")
        manner.excluded = files.excluded()
        for from_, source in chosen:
            if _unpacks(files, from_, source, job):
                builder_add.unpack(from_, source, root, files.destination, manner)
                unpacked = True
            else:
                Copier(from_, root, manner).copy(source, files.destination)
    epoch = job.request.epoch
    return builder_commit.seal(job.transfer, before, place, epoch, exact=not unpacked)


def _unpacks(files: Files, root: Root, source: Source, job: Job) -> bool:
    """Say whether ADD unpacks the *source*: an archive of the context, or if --unpack says so."""
    if files.it.name != "ADD" or stat.S_ISDIR(source.status.st_mode):
        return False
    asked = files.flags.get("unpack")
    wanted = files.on("unpack") if asked else root.path == job.request.context
    return wanted and builder_add.is_archive(root, source)


def make_directory(job: Job, ground: Ground, path: str) -> Any:
    """Make the directory *path* for a WORKDIR; return the layer, None if it was there.

    It belongs to the USER of the config, and so do those above it that are missing. BuildKit
    does the same (dockerfile2llb, dispatchWorkdir); docker's classic builder makes them root's.
    """
    job.isolate()
    before = ground.state()
    place = Workplace(job.transfer)
    try:
        with builder_mounts.merged(place, before.lowers()) as root:
            user = str(ground.config.get("User") or "")
            owner = builder_place.owner(user, root) if user else (0, 0)
            os.close(builder_place.make(root, path, owner))
    except OSError as error:
        raise ConfigError(f"cannot make {path}: {error.strerror}") from error
    return builder_commit.seal(job.transfer, before, place, job.request.epoch)
