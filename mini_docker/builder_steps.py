"""One stage, worked off: what each instruction means, upon the image that the last one left."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from mini_docker import (
    builder,
    builder_commands,
    builder_config,
    builder_files,
    builder_forms,
    records,
)
from mini_docker.builder_bases import Bases
from mini_docker.builder_binds import Mounter
from mini_docker.builder_config import Words
from mini_docker.builder_files import Files, Gatherer
from mini_docker.builder_ground import Ground, hold
from mini_docker.builder_scope import Scope
from mini_docker.builder_stages import SCRATCH
from mini_docker.builder_state import State
from mini_docker.errors import MiniDockerError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mini_docker.builder_files import Chosen
    from mini_docker.builder_ground import Job
    from mini_docker.builder_instructions import Instruction
    from mini_docker.builder_log import Log
    from mini_docker.builder_stages import Stage

PAIRS = ("ENV", "LABEL")
NEVER_IN_TRIGGERS = ("ONBUILD", "FROM", "MAINTAINER")


class StepError(MiniDockerError):
    """A step failed: *it* says where, *image* what was there before it."""

    def __init__(self, error: MiniDockerError, it: Instruction, image: str) -> None:
        super().__init__(f"{it.name} failed: {error}" if it.name in ("COPY", "ADD") else str(error))
        self.cause = error
        self.it = it
        self.image = image


class Worker:
    """Works off one stage of *job*."""

    def __init__(self, job: Job, stage: Stage, log: Log) -> None:
        self._job = job
        self._stage = stage
        self._log = log
        self._scope = Scope(
            job.request.build_args, job.plan.arguments, job.plan.escape, job.plan.used
        )
        self._ground = Ground(job, log)
        self._bases = Bases(job)
        self._command_set = False  # by a CMD of this stage

    def work(self) -> Ground:
        """Carry out all steps; return where they lead. StepError for one that fails."""
        stage, total = self._stage, self._job.plan.total
        self._log.step(stage.first, total, stage.from_.original)
        self._guard(stage.from_, self._begin)
        for number, it in enumerate(stage.steps, stage.first + 1):
            self._log.step(number, total, _shown(it))
            self._guard(it, partial(self._do, it))
        labels = self._job.request.labels
        if labels and stage.number == self._job.plan.target:
            pairs = [part for pair in labels.items() for part in pair]
            shown = " ".join(f'"{name}"="{value}"' for name, value in labels.items())
            self._log.step(total, total, f"LABEL {shown}")
            self._configure("LABEL", Words(pairs))
        return self._ground

    def _guard(self, it: Instruction, work: Callable[[], None]) -> None:
        try:
            work()
        except StepError:
            raise
        except MiniDockerError as error:
            raise StepError(error, it, self._ground.id) from error

    def _begin(self) -> None:
        """Stand on the base, and carry out its triggers."""
        job, stage, ground = self._job, self._stage, self._ground
        if stage.above >= 0:
            ground.follow(job.done[stage.above])
        elif stage.base == SCRATCH:
            ground.config = {"Env": [builder_config.PATH]}
            return
        else:
            state = State.of(self._bases.image(stage.base, stage.platform or job.request.platform))
            hold(state, job.transfer)
            ground.stand_on(state, state.config)
            ground.author = str(state.document.get("author") or "")
        self._log.image(ground.id)
        self._fire()

    def _fire(self) -> None:
        """Carry out the ONBUILD triggers of the base; the image that is built has them no more."""
        ground = self._ground
        triggers = ground.config.get("OnBuild") or []
        if not triggers:
            return
        ground.config = {key: it for key, it in ground.config.items() if key != "OnBuild"}
        # A trigger of this Dockerfile is written in its words; an image does not say in whose.
        escape = self._scope.escape if self._stage.above >= 0 else "\\"
        word = "trigger" if len(triggers) == 1 else "triggers"
        self._log.output(1, f"# Executing {len(triggers)} build {word}\n".encode())
        for text in triggers:
            parsed = builder.parse(f"# escape={escape}\nFROM {SCRATCH}\n{text}\n")
            for it in parsed.instructions[1:]:
                if it.name in NEVER_IN_TRIGGERS:
                    raise UsageError(f"{it.name} isn't allowed as an ONBUILD trigger")
                self._do(it)

    def _do(self, it: Instruction) -> None:
        """Carry out one instruction."""
        if it.name in ("COPY", "ADD"):
            self._copy(it)
        elif it.name == "RUN":
            self._run(it)
        elif it.name == "ARG":
            self._argue(it)
        elif it.name == "MAINTAINER":
            self._ground.author = it.text
            self._ground.move(self._key(it.name, it.words), f"MAINTAINER {it.text}", self._config)
        elif it.name == "WORKDIR":
            self._change_directory(it)
        else:
            self._configure(it.name, self._words(it))

    @property
    def _config(self) -> dict[str, Any]:
        return self._ground.config

    def _key(self, name: str, words: list[str], more: str = "") -> str:
        return self._ground.key(records.dump([name, words, more]), {})

    def _words(self, it: Instruction) -> Words:
        """Return the arguments of *it*, with variables where this instruction has them."""
        words, scope, config = list(it.words), self._scope, self._config
        if it.name in PAIRS:
            pairs = builder_forms.pairs(words)
            words = [scope.expand(part, config) for pair in pairs for part in pair]
        elif it.name == "EXPOSE":
            known = scope.variables(config)
            words = [w for word in words for w in builder.expand_words(word, known, scope.escape)]
        elif it.name in ("VOLUME", "USER", "STOPSIGNAL", "WORKDIR"):
            words = [scope.expand(word, config) for word in words]
        elif it.name == "ONBUILD":
            words = [_trigger(it)]
        return Words(words, it.json, it.flags)

    def _configure(self, name: str, words: Words) -> None:
        """Go on to an image whose config alone is another."""
        config = builder_config.apply(self._config, name, words)
        if name == "ENTRYPOINT" and not self._command_set:
            config.pop("Cmd", None)  # the arguments of another program
        self._command_set = self._command_set or name == "CMD"
        key = self._key(name, words.list, f"{words.json} {words.flags} {self._command_set}")
        self._ground.move(key, builder_config.note(name, words), config)

    def _argue(self, it: Instruction) -> None:
        for name, default in builder_forms.arguments(it.words):
            value = None if default is None else self._scope.expand(default, self._config)
            self._scope.declare(name, value)
        self._ground.move(self._key("ARG", it.words), f"ARG {it.text}", self._config)

    def _change_directory(self, it: Instruction) -> None:
        words = self._words(it)
        config = builder_config.apply(self._config, "WORKDIR", words)
        path = config["WorkingDir"]
        self._ground.move(
            self._key("WORKDIR", [path], str(config.get("User") or "")),
            f"WORKDIR {path}",
            config,
            lambda: builder_files.make_directory(self._job, self._ground, path),
        )

    def _copy(self, it: Instruction) -> None:
        files, job = Files(it, self._scope, self._config), self._job
        with ExitStack() as stack:
            chosen: Chosen = []

            def choose() -> Chosen:
                if not chosen:
                    root = self._bases.show(files.from_, stack) if files.from_ else None
                    chosen.extend(Gatherer(job, files, stack).gather(root))
                    files.check_target(len(chosen))
                return chosen

            self._ground.move(
                self._ground.key(files.text(), {}, self._content(files, choose)),
                files.note(),
                self._config,
                lambda: builder_files.layer(job, self._ground, files, choose()),
            )

    def _content(self, files: Files, choose: Callable[[], Chosen]) -> str:
        """Return a digest of the files; of an image it is noted: that does not change."""
        if promised := files.promised():
            return promised
        if not files.from_:
            return builder_files.digest(files, choose())
        cache, hit = self._job.cache, self._bases.find(files.from_)
        noted = builder.key(hit.id, files.text(), {}, "content")
        known = cache.content(noted)
        if not known:
            known = builder_files.digest(files, choose())
            if hit.id:
                cache.put_content(noted, hit, known)
        return known

    def _run(self, it: Instruction) -> None:
        run, job = builder_commands.Run(it, self._scope, self._config), self._job
        with ExitStack() as stack:
            mounter = Mounter(job, run, stack, self._bases.show)
            text = run.text(job.request.network)
            key = self._ground.key(text, run.arguments, mounter.digest())
            self._ground.move(
                key,
                run.note(),
                self._config,
                lambda: builder_commands.layer(job, self._ground, run, mounter, self._log),
            )


def _shown(it: Instruction) -> str:
    """Return the instruction in one line, as Docker shows it."""
    flags = "".join(f"{flag} " for flag in it.flags)
    return f"{it.name} {flags}{it.text}".rstrip()


def _trigger(it: Instruction) -> str:
    """Return what ONBUILD keeps, with its here-documents."""
    documents = (f"\n{document.content}{document.name}" for document in it.heredocs)
    return it.text + "".join(documents)
