"""mini-docker system check: find, and with --repair take away, what a crash left behind."""

from __future__ import annotations

from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "system check",
    "Look for what a crash left behind",
    "mini-docker system check [OPTIONS]",
    (Flag("repair", help="Take away what is found"),),
    maximum=0,
)


def execute(values: Values, store: Store) -> int:
    """Print a line for each finding; return 1 if something stays."""
    from mini_docker import repair

    store.prepare()
    mended, left = repair.check(store, values.repair)
    for line in mended:
        print(f"repaired: {line}")
    for line in left:
        print(f"found: {line}")
    if not mended and not left:
        print("everything is in order")
    elif left and not values.repair:
        print("run 'mini-docker system check --repair' to mend what can be mended")
    return 1 if left else 0
