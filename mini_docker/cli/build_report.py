"""What is said when a step fails, and which warnings there were: the place in the Dockerfile.

    Dockerfile:3
    --------------------
       1 |     FROM busybox
       2 |     WORKDIR /src
       3 | >>> RUN make
    --------------------

The form is BuildKit's.
"""

from __future__ import annotations

from mini_docker.cli.build_view import plain, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.builder_build import BuildError

AROUND = 2  # lines before and after
MOST = 12  # lines of an instruction
RULE = "-" * 20


def excerpt(text: str, name: str, first: int, last: int) -> list[str]:
    """Return the lines *first* to *last* of the Dockerfile *text*, marked, with some around."""
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    first, last = min(first, len(lines)), min(max(first, last), len(lines))
    end = min(last, first + MOST - 1)
    rows = [f"{name}:{first}", RULE]
    for number in range(max(1, first - AROUND), min(len(lines), end + AROUND) + 1):
        mark = ">>>" if first <= number <= last else "   "
        rows.append(f" {number:3} | {mark} {plain(lines[number - 1].rstrip(chr(13)))}".rstrip())
    return [*rows, RULE]


def advice(error: BuildError) -> list[str]:
    """Return how to look around where the step has failed, if there is an image to do so in."""
    if not error.image:
        return []
    id = short(error.image)
    return [f"The last good image is {id}. Look around in it: mini-docker run -it {id} sh"]
