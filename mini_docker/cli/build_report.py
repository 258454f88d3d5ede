"""What is said beside a build: of a step that failed, and of a Dockerfile that worries.

    Dockerfile:3
    --------------------
       1 |     FROM busybox
       2 |     WORKDIR /src
       3 | >>> RUN make
    --------------------
    The last good image is 3f57d9401f8d. Look around in it: mini-docker run -it 3f57d9401f8d sh

The warnings are those of docker's build checks (builder_checks.py).
"""

from __future__ import annotations

import sys

from mini_docker import (
    builder,
    builder_build,
    builder_checks,
    builder_lines,
    image_lookup,
    registry_platforms,
)
from mini_docker.cli.build_view import plain, short
from mini_docker.errors import MiniDockerError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.builder_build import Request
    from mini_docker.builder_checks_form import Finding

DIRECTIVE = "BUILDKIT_DOCKERFILE_CHECK"  # a build argument that stands above the directive


def failure(request: Request, error: MiniDockerError) -> int:
    """Say on stderr where *error* happened, and how to look around there.

    Return the exit code of a command that has failed, as docker's classic builder does; raise
    *error* if it was something else: one line says what.
    """
    if isinstance(error, builder_lines.DockerfileError | builder_build.BuildError) and error.line:
        place = builder_lines.excerpt(request.name, request.text, error.line, error.end)
        sys.stderr.write(place)
    if isinstance(error, builder_build.BuildError):
        if error.image:
            id = short(error.image)
            line = f"The last good image is {id}. Look around in it: mini-docker run -it {id} sh"
            print(line, file=sys.stderr)
        if error.code:
            print(f"mini-docker: {plain(str(error))}", file=sys.stderr)
            return error.code
    raise error


def check(request: Request) -> int:
    """Print what the build checks find; return 1 if that is anything, 0 otherwise."""
    try:
        _, findings = _findings(request)
    except builder_lines.DockerfileError as error:
        return failure(request, error)
    sys.stdout.write(builder_checks.report(findings, request.name, request.text))
    return 1 if findings else 0


def warnings(request: Request) -> str:
    """Return the summary of what the build checks find, for the end of a build; "" if nothing.

    UsageError if the Dockerfile says that a warning is an error.
    """
    options, findings = _findings(request)
    text = builder_checks.summary(findings)
    if why := builder_checks.failure(options, findings):
        sys.stderr.write(f"{text.lstrip(chr(10))}")
        raise UsageError(why)
    return text


def _findings(request: Request) -> tuple[builder_checks.Options, list[Finding]]:
    file = builder.parse(request.text)
    options = builder_checks.Options(request.build_args.get(DIRECTIVE, file.check))
    ignore = builder.Ignore(request.ignore) if request.ignore else None
    platform = request.platform or "/".join(registry_platforms.host()[:2])
    around = builder_checks.Surroundings(
        request.build_args, platform, ignore, lambda name: _variables(request.store.root, name)
    )
    return options, builder_checks.check(file, options, around)


def _variables(root: str, name: str) -> dict[str, str] | None:
    """Return the variables of the image *name*; None if it is not here."""
    try:
        pairs = image_lookup.find(root, name).config.get("Env") or []
    except MiniDockerError:
        return None
    return dict(pair.partition("=")[::2] for pair in pairs)
