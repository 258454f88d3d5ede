"""RUN as a step: its command line, its mounts, its key, and its layer."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager

from mini_docker import (
    builder_cache,
    builder_commit,
    builder_config,
    builder_heredocs,
    builder_mounts,
    builder_places,
    builder_rules,
    builder_select,
    builder_stubs,
    builder_volumes,
    builder_walk,
    records,
)
from mini_docker.builder_copy import Copier, Manner
from mini_docker.builder_mounts import Workplace
from mini_docker.builder_run import Command, Runner
from mini_docker.builder_select import Root
from mini_docker.errors import MiniDockerError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from mini_docker.builder_ground import Ground, Job
    from mini_docker.builder_instructions import Instruction
    from mini_docker.builder_log import Log
    from mini_docker.builder_scope import Scope
    from mini_docker.builder_volumes import Volume

PIPES = "/dev/pipes"  # where a here-document that begins with #! is a file


class Failed(MiniDockerError):
    """The command of a RUN ended with *code*."""

    exit_code = 1

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Run:
    """One RUN, with the variables of its flags put in; its command is the shell's."""

    def __init__(self, it: Instruction, scope: Scope, config: dict[str, Any]) -> None:
        flags = builder_rules.flags(it)
        self.it = it
        self.config = config
        self.arguments = scope.seen(config)
        self.environment = scope.environment(config)
        self.network = flags.get("network", [""])[-1]
        if self.network not in ("", "default", "none", "host"):
            raise UsageError(f"unsupported network mode {self.network!r:.50}")
        if flags.get("security", ["sandbox"])[-1] != "sandbox":
            raise UsageError("--security=insecure: this engine builds in its sandbox only")
        if flags.get("device"):
            raise UsageError("--device: this engine gives no device to a step")
        mounts = (scope.expand(text, config) for text in flags.get("mount", []))
        self.volumes = [builder_volumes.parse(text, config) for text in mounts]
        self.script = ""  # of a here-document that is a program of its own
        self.argv = self._command()

    def _command(self) -> list[str]:
        """Return the command line, with here-documents as BuildKit reads them."""
        it = self.it
        words = list(it.words)
        if it.heredocs:
            if builder_heredocs.announcement(words[0].strip()):
                document = it.heredocs[0]
                if document.text().startswith("#!"):
                    self.script = document.text()
                    words = [f"{PIPES}/{document.name}"]
                else:
                    words = [document.text()]
            else:
                documents = (f"\n{it.content}{it.name}" for it in it.heredocs)
                words = [words[0] + "".join(documents)]
        return builder_config.shell(self.config, builder_config.Words(words, it.json))

    def text(self, network: str) -> str:
        """Return what stands for the instruction in a key."""
        fields = [[volume.kind, volume.target, volume.fields] for volume in self.volumes]
        network = "none" if (self.network or network) == "none" else ""
        return records.dump(["RUN", self.argv, self.script, fields, network])

    def note(self) -> str:
        """Return what the history says: with the arguments that were in sight, as Docker does."""
        words = [f"{name}={value}" for name, value in sorted(self.arguments.items())]
        before = [f"|{len(words)}", *words] if words else []
        return " ".join(["RUN", *before, *self.argv])


class Mounter:
    """Makes rows of config.json of the volumes of a RUN; what is opened lives with *stack*."""

    def __init__(
        self, job: Job, run: Run, stack: ExitStack, show: Callable[[str, ExitStack], Root]
    ) -> None:
        self._job = job
        self._run = run
        self._stack = stack
        self._show = show
        self._scratch = ""
        self.environment: list[str] = []

    def digest(self) -> str:
        """Return a digest of the files that are bound, "" if none are."""
        bound = [volume for volume in self._run.volumes if volume.kind == "bind"]
        found = builder_walk.Digest()
        for volume in bound:
            root = self._root(volume)
            for source in builder_select.select(root, volume.get("source") or "."):
                found.add(root, source)
        return found.text() if bound else ""

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows, in the order of the flags."""
        kinds = {"bind": self._bind, "cache": self._cache, "secret": self._secret}
        rows = []
        for volume in self._run.volumes:
            if volume.kind == "tmpfs":
                rows.append(builder_volumes.tmpfs(volume))
            elif row := kinds[volume.kind](volume):
                rows.append(row)
        if self._run.script:
            rows.append(self._pipes())
        return rows

    def _root(self, volume: Volume) -> Root:
        if name := volume.get("from"):
            return self._show(name, self._stack)
        if not self._job.request.context:
            raise UsageError("--mount type=bind: there is no build context")
        return self._stack.enter_context(Root(self._job.request.context, self._job.ignore))

    def place(self, name: str) -> str:
        """Return an empty directory that is gone when the step is done."""
        if not self._scratch:
            self._scratch = self._stack.enter_context(builder_places.Place(self._job.root)).path
        path = f"{self._scratch}/{len(os.listdir(self._scratch))}{name}"
        os.mkdir(path, 0o755)
        return path

    def _bind(self, volume: Volume) -> dict[str, Any] | None:
        root = self._root(volume)
        (source,) = builder_select.select(root, volume.get("source") or ".")
        writes = volume.on("readwrite") or volume.get("readonly") == "false"
        if not writes and root.ignore is None:
            found = root.open(source.path)
            try:
                return builder_volumes.bind(volume, os.readlink(f"/proc/self/fd/{found}"))
            finally:
                os.close(found)
        # A copy: what is ignored is not in it, and what is written is lost with it.
        place = self.place("bind")
        Copier(root, place, Manner()).copy(source, "/")
        path = place if source.directory else f"{place}/{source.name}"
        row = builder_volumes.bind(volume, path)
        row["options"] = [word for word in row["options"] if not (writes and word in ("ro", "rro"))]
        return row

    def _cache(self, volume: Volume) -> dict[str, Any] | None:
        id = volume.get("id") or volume.target
        path, held = builder_cache.mount(self._job.root, id, volume.get("sharing") or "shared")
        self._stack.callback(held.release)
        if not os.listdir(path):
            os.chmod(path, volume.number("mode", 0o755, 8) & 0o7777)
            os.chown(path, volume.number("uid", 0), volume.number("gid", 0))
            if volume.get("from"):
                root = self._root(volume)
                for source in builder_select.select(root, volume.get("source") or "."):
                    Copier(root, path, Manner()).copy(source, "/")
        row = builder_volumes.bind(volume, path)
        if not volume.on("readonly"):
            row["options"] = ["rbind"]
        return row

    def _secret(self, volume: Volume) -> dict[str, Any] | None:
        id = volume.fields["id"]
        content = self._job.request.secrets.get(id)
        if content is None:
            if volume.on("required"):
                raise UsageError(f"secret {id}: not found: give it with --secret id={id}")
            return None
        if name := volume.get("env"):
            self.environment.append(f"{name}={content.decode(errors='surrogateescape')}")
        if not volume.target:
            return None
        folder = self.place("secret")
        self._stack.enter_context(builder_mounts.memory(folder))
        with open(f"{folder}/secret", "xb") as file:
            file.write(content)
            os.fchown(file.fileno(), volume.number("uid", 0), volume.number("gid", 0))
            os.fchmod(file.fileno(), volume.number("mode", 0o400, 8) & 0o777)
        return builder_volumes.bind(volume, f"{folder}/secret")

    def _pipes(self) -> dict[str, Any]:
        folder = self.place("pipes")
        with open(f"{folder}/{os.path.basename(self._run.argv[-1])}", "x") as file:
            file.write(self._run.script)
            os.fchmod(file.fileno(), 0o755)
        return {
            "destination": PIPES,
            "type": "bind",
            "source": folder,
            "options": ["rbind", "ro", "rro"],
        }


def layer(job: Job, ground: Ground, run: Run, mounter: Mounter, log: Log) -> Any:
    """Run the command on *ground*; return its layer, None for no change; Failed if it fails."""
    job.isolate()
    before = ground.state()
    command = Command(run.argv)
    command.mounts = mounter.rows()
    command.env = [*run.environment, *mounter.environment]
    command.network = run.network or job.request.network
    command.host = job.request.host
    runner = Runner(job.request.store, job.stop, log.output)
    place = Workplace(job.transfer)
    it = runner.create(before, command, place)
    with _removed(runner, it, log):
        log.running(it.id)
        code = runner.run(it, command)
        killed = runner.end(it)
        if code:
            words = " ".join(run.argv)
            why = " (the kernel has killed a process of it: no memory left)" if killed else ""
            raise Failed(f"The command '{words}' returned a non-zero code: {code}{why}", code)
        targets = [str(row["destination"]) for row in command.mounts]
        builder_commit.take_upper(place, builder_stubs.clear(it, targets))
    return builder_commit.seal(job.transfer, before, place, job.request.epoch)


@contextmanager
def _removed(runner: Runner, it: Any, log: Log) -> Iterator[None]:
    """Remove the container in the end, whatever comes of it."""
    try:
        yield
    finally:
        runner.end(it)
        runner.remove(it)
        log.removed(it.id)
