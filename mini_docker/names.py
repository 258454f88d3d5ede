"""Names of containers: what one may be, and one out of two words where none was given."""

from __future__ import annotations

import os

from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
LATER = FIRST | frozenset("_.-")
LONGEST = 200  # bytes; a name is the name of a file as well, NAME_MAX is 255
ATTEMPTS = 8  # names that may be in use before a digit is added

# Two lists of our own: what a container can be like, and what one can meet near a harbour.
QUALITIES = (
    "agile airy amber ample ardent azure basic bold brave brief bright brisk broad calm candid "
    "civil clean clear clever coral cosy crisp curious daring deep deft dense dry eager early "
    "easy elder even exact fair fast fine firm fleet fond frank free fresh frugal full gentle "
    "glad golden grand green happy hardy hearty honest humble ideal jolly keen kind late level "
    "light lively local loyal lucid lucky mellow merry mild minor modest neat nimble noble novel "
    "open orderly patient placid plain polar polite prime proud pure quick quiet rapid ready "
    "regal robust rosy round sandy serene sharp silent silver simple sleek smooth snug sober "
    "solid steady still stout sunny swift tidy upbeat vivid warm wise witty young"
)
THINGS = (
    "albatross anchor anchovy anemone ballast barge barnacle beacon beluga bittern boatswain "
    "bollard bosun bowline breeze brig buoy cable capstan captain cargo catamaran clam "
    "clipper coble cod compass coot cormorant cove crab crane crate cutter dinghy dolphin "
    "dory drake dredger dunlin eddy egret eider estuary ferry flounder fulmar galley gannet "
    "gantry gull gunwale haddock halibut halyard harbour hatch hawser helm heron herring hull "
    "jetty kedge keel kelp ketch kittiwake knot lagoon lantern limpet lobster mackerel "
    "mallard manifest marlin marina mast mooring mussel narwhal oar osprey otter oyster "
    "packet paddle pelican petrel pier pilot pinnace plaice plover puffin pulley quay raft "
    "reef rigging rudder sail sandpiper schooner seal sextant shoal skiff sloop snipe "
    "spindrift starboard stern tern tide tiller trawler tug turbot walrus wharf winch"
)


def check(name: str) -> None:
    """Refuse a *name* that is not [a-zA-Z0-9][a-zA-Z0-9_.-]+, in Docker's words."""
    good = len(name) > 1 and name[0] in FIRST and LATER.issuperset(name)
    if not good or len(name) > LONGEST:
        raise UsageError(
            f"Invalid container name ({name[:LONGEST]}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
            "allowed, two characters at least"
        )


def random_name(owner: Callable[[str], str]) -> str:
    """Return a name of two words that *owner* says nobody has, such as "calm_puffin".

    *owner* returns "" for a free name. The more names are taken, the more digits follow.
    """
    attempt = 0
    while True:
        name = f"{_pick(QUALITIES)}_{_pick(THINGS)}"
        if attempt >= ATTEMPTS:
            name += str(int.from_bytes(os.urandom(4), "big") % 10 ** (attempt // ATTEMPTS))
        if not owner(name):
            return name
        attempt += 1


def _pick(words: str) -> str:
    choices = words.split()
    return choices[int.from_bytes(os.urandom(4), "big") % len(choices)]
