"""mini-docker build: an image out of a Dockerfile and the files around it."""

from __future__ import annotations

import contextlib
import os
import sys

from mini_docker import builder_build, builder_context, builder_places, image_lookup, swap
from mini_docker.cli import build_flags, build_report, build_request, build_signals, build_view
from mini_docker.cli.options import Command
from mini_docker.errors import ConfigError, MiniDockerError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.builder_build import Request
    from mini_docker.builder_context import Context
    from mini_docker.cli.build_signals import Signals
    from mini_docker.cli.build_view import Classic
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "build",
    "Build an image from a Dockerfile",
    "mini-docker build [OPTIONS] PATH | URL | -",
    build_flags.FLAGS,
    minimum=1,
    maximum=1,
)
NEEDED = ("processes", "namespaces", "rootfs", "layers", "images", "builder")  # labs
MADE = ("busybox", "hello-world", "debian")  # what can be made on the spot


def execute(values: Values, store: Store) -> int:
    """Build the image; return 0, or the exit code of the command that has failed."""
    build_flags.check(values)
    _check_tags(values)
    if not build_flags.checks_only(values):
        swap.require(*NEEDED, what="build")
    store.prepare()
    builder_places.clear(store.root)  # of builds that were killed
    signals = build_signals.Signals()
    signals.catch()
    try:
        return _execute(values, store, signals)
    finally:
        signals.leave()


def _execute(values: Values, store: Store, signals: Signals) -> int:
    with contextlib.ExitStack() as stack:
        context = _context(values, store, stack)
        request = builder_build.Request(store, context.dockerfile)
        request.name, request.context = context.name, context.root
        request.ignore = _patterns(context)
        request.wanted = signals.check
        build_request.fill(request, values)
        if build_flags.checks_only(values):
            return build_report.check(request)
        return _build(request, values)


def _context(values: Values, store: Store, stack: contextlib.ExitStack) -> Context:
    """Return what the argument names: our input, a directory, a repository, or a download."""
    where, file = values.arguments[0], values.file
    if file == "-" and where == "-":
        raise UsageError("invalid argument: can't use stdin for both build context and dockerfile")
    # Not sys.stdin: a thread that waits for it would hold up the end of an interrupted build.
    ours = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115
    file, given = ("", ours) if file == "-" else (file, None)
    if where != "-" and os.path.isdir(where):
        return builder_context.in_directory(where, file, given)
    if where == "-":
        place = stack.enter_context(builder_places.Place(store.root))
        return builder_context.from_stream(ours, place.path, file)
    from mini_docker import builder_download, builder_git

    if remote := builder_git.parse(where):
        place = stack.enter_context(builder_places.Place(store.root))
        builder_git.fetch(remote, place.path)
        inner = remote.subdirectory
        return builder_context.from_repository(place.path, inner, file, given)
    if builder_download.is_url(where):
        place = stack.enter_context(builder_places.Place(store.root))
        with builder_download.fetch(where) as reply:
            return builder_context.from_stream(reply, place.path, file, given)
    return builder_context.in_directory(where)  # which says that it is none


def _patterns(context: Context) -> list[str]:
    """Return the patterns of the .dockerignore that counts."""
    if not context.ignore:
        return []
    from mini_docker import builder

    return builder.read_ignore(context.ignore)


def _build(request: Request, values: Values) -> int:
    """Build, and tell of it; return the exit code."""
    if values.iidfile:
        _write_id(values.iidfile, "")
    view = _view(values)
    request.fetch = lambda reference, platform: _fetch(request.store, reference, platform, view)
    try:
        warnings = build_report.warnings(request)
        id = builder_build.build(request, view)
    except MiniDockerError as error:
        view.close(failed=True)
        return build_report.failure(request, error)
    except BaseException:
        view.close(failed=False)
        raise
    view.close(failed=False)
    if not isinstance(view, build_view.Quiet):
        sys.stdout.write(warnings)
    if values.iidfile:
        _write_id(values.iidfile, id)
    return 0


def _view(values: Values) -> Classic:
    wanted = values.progress
    if "progress" not in values.given:
        wanted = os.environ.get("BUILDKIT_PROGRESS", wanted)
    if values.quiet or wanted == "quiet":
        return build_view.Quiet()
    moves = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    if wanted == "plain" or not moves:
        return build_view.Classic()
    from mini_docker.cli import build_live

    return build_live.Live()


def _fetch(store: Store, reference: str, platform: str, view: Classic) -> None:
    """Pull the image *reference*; with what to do, if that may not be."""
    from mini_docker import images
    from mini_docker.cli import pull

    parsed = image_lookup.parse(reference)
    try:
        swap.require("registry", what=f"build FROM {reference}")
        pull.pull(store, [images.parse(parsed.full())], platform, view.progress())
    except MiniDockerError as error:
        name = parsed.familiar().partition(":")[0]
        if name in MADE and "bootstrap" not in str(error):
            hint = f"make it with 'mini-docker image bootstrap {name}'"
            raise type(error)(f"{error}: {hint}") from None
        raise


def _write_id(path: str, id: str) -> None:
    """Write *id* to *path*; without one remove what an earlier build has written."""
    try:
        if not id:
            os.stat(os.path.dirname(path) or ".")  # or the build would be in vain
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            return
        with open(path, "w") as file:
            file.write(id)
    except OSError as error:
        raise ConfigError(f"cannot write the image ID to {path}: {reason(error)}") from error


def _check_tags(values: Values) -> None:
    """Refuse a name that is none before anything is read; docker's client does so, too."""
    from mini_docker import images
    from mini_docker.cli import refusals
    from mini_docker.gotemplate.quoting import quote

    for text in values.tag:
        try:
            images.parse(text)
        except UsageError as error:
            why = f'invalid argument {quote(text)} for "-t, --tag" flag: {error}'
            raise refusals.refusal(COMMAND, why) from None
