"""RUN as a step: its command line, its mounts, its key, and its layer."""

from __future__ import annotations

from contextlib import contextmanager

from mini_docker import (
    builder_commit,
    builder_config,
    builder_heredocs,
    builder_rules,
    builder_stubs,
    builder_volumes,
    records,
)
from mini_docker.builder_binds import PIPES
from mini_docker.builder_mounts import Workplace
from mini_docker.builder_run import Command, Runner
from mini_docker.errors import MiniDockerError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mini_docker.builder_binds import Mounter
    from mini_docker.builder_ground import Ground, Job
    from mini_docker.builder_instructions import Instruction
    from mini_docker.builder_log import Log
    from mini_docker.builder_scope import Scope


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
