"""Take names away from images, and images away, by Docker's rules.

A name goes at once if the image has another. The last name goes only if no container uses
the image, or by force; then the image goes too, and with it the layers that nothing else
needs, and the untagged images that it was made from. An image asked for by its id loses all
its names, if they are of one repository. moby, daemon/images/image_delete.go.
"""

from __future__ import annotations

from mini_docker import (
    containers,
    events,
    image_facts,
    image_garbage,
    image_lookup,
    image_store,
    images,
)
from mini_docker.errors import ConfigError, Conflict, MiniDockerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.containers import Container
    from mini_docker.image_lookup import Image
    from mini_docker.store import Store

MUST, CANNOT = "must be forced", "cannot be forced"


class Removal:
    """One command's removals, planned on what the store held when its lock was taken."""

    def __init__(self, store: Store, force: bool, prune: bool) -> None:
        self.store = store
        self.force = force
        self.prune = prune  # also untagged parents
        found, self.broken = image_lookup.listing(store.root)
        self.images = {image.id: image for image in found}
        self.users: dict[str, list[Container]] = {}
        for it in containers.listing(store)[0]:
            self.users.setdefault(str(it.record.get("Image", "")), []).append(it)
        self.lines: list[str] = []
        self.gone: list[Image] = []
        self.events: list[tuple[str, str]] = []  # what to tell: an action and an image's id

    def remove(self, reference: str) -> None:
        """Plan the removal of what *reference* names; Conflict or NotFound, in Docker's words."""
        try:
            image = self._find(reference)
        except ConfigError:
            self._forget(reference)
            return
        start = reference.removeprefix("sha256:")
        if not image.id.removeprefix("sha256:").startswith(start):
            if self._untag(image, reference):
                self._delete(image, quiet=True)
        else:
            if _single(image.names):
                self._check(image, active=False)
                for name in list(image.names):
                    self._drop(image, name)
            self._delete(image, quiet=False)

    def _find(self, reference: str) -> Image:
        entry = image_lookup.locate(self.store.root, reference)
        id = image_store.manifest(self.store.root, entry["digest"])["config"]["digest"]
        if id in self.images:
            return self.images[id]
        raise ConfigError(f"the image {reference} has no config")

    def _forget(self, reference: str) -> None:
        """Take the name of an image that cannot be read: nobody can want that one."""
        names = image_lookup.names(image_lookup.parse(reference))
        rows = image_store.entries(self.store.root)
        image_store.write_index(
            self.store.root, [row for row in rows if image_store.name_of(row) not in names]
        )
        self.lines.append(f"Untagged: {images.parse(names[0]).familiar()}")

    def _untag(self, image: Image, reference: str) -> bool:
        """Take the name *reference* from *image*; say whether the image goes as well."""
        if not self.force and _single(image.names) and self.users.get(image.id):
            user = self.users[image.id][0]
            raise Conflict(
                f'conflict: unable to remove repository reference "{reference}" (must force) - '
                f"container {user.id[:12]} is using its referenced image {_short(image.id)}"
            )
        wanted = image_lookup.names(images.parse(reference))
        named = [name for name in image.names if name in wanted]
        if not named:  # a digest that the image has, but not as a name
            raise Conflict(_conflict(image, MUST, "image is referenced in multiple repositories"))
        self._drop(image, named[0])
        repository = images.parse(named[0]).repository()
        left = [name for name in image.names if images.parse(name).repository() == repository]
        if "@" not in named[0] and all("@" in name for name in left):
            for name in left:  # digests of a repository go with its last tag
                self._drop(image, name)
        return not image.names

    def _drop(self, image: Image, name: str) -> None:
        image.names.remove(name)
        self.events.append(("untag", image.id))
        self.lines.append(f"Untagged: {images.parse(name).familiar()}")

    def _check(self, image: Image, active: bool) -> None:
        """Raise Conflict for what forbids to remove *image*; *active*: names count as well."""
        if any(child.id in self.images for child in self._children(image)):
            raise Conflict(_conflict(image, CANNOT, "image has dependent child images"))
        users = self.users.get(image.id, [])
        for user in users:
            if user.alive():
                why = f"image is being used by running container {user.id[:12]}"
                raise Conflict(_conflict(image, CANNOT, why))
        if self.force:
            return
        if active and image.names:
            raise Conflict(_conflict(image, MUST, "image is referenced in multiple repositories"))
        if users:
            why = f"image is being used by stopped container {users[0].id[:12]}"
            raise Conflict(_conflict(image, MUST, why))

    def _children(self, image: Image) -> list[Image]:
        return image_facts.children(list(self.images.values())).get(image.id, [])

    def _delete(self, image: Image, quiet: bool) -> None:
        """Plan the end of *image*, and of the untagged ones that it was made from."""
        try:
            self._check(image, active=True)
        except Conflict:
            # Its name is gone, and that was what was asked for.
            if quiet and (not image.names or self.users.get(image.id)):
                return
            raise
        for name in list(image.names):
            self._drop(image, name)
        del self.images[image.id]
        self.gone.append(image)
        self.events.append(("delete", image.id))
        self.lines.append(f"Deleted: {image.id}")
        parent = self.images.get(image.parent())
        unused = parent and not parent.names and not self.users.get(parent.id)
        if self.prune and parent and unused and not self._children(parent):
            self._delete(parent, quiet=True)

    def take(self, image: Image) -> None:
        """Plan the end of *image*, whatever it is called; nobody uses it."""
        for name in list(image.names):
            self._drop(image, name)
        self._delete(image, quiet=True)

    def write(self) -> None:
        """Write the index as planned: the images that are gone, and the names that are."""
        names = {image.id: set(image.names) for image in self.images.values()}
        rows = []
        for row in image_store.entries(self.store.root):
            try:
                id = image_store.manifest(self.store.root, row["digest"])["config"]["digest"]
            except MiniDockerError:
                rows.append(row)  # nobody has asked for this one
                continue
            if id not in names:
                continue
            if image_store.name_of(row) not in names[id]:
                row = image_store.untagged(row)
                if any(row["digest"] == other["digest"] for other in rows) or names[id]:
                    continue
            rows.append(row)
        image_store.write_index(self.store.root, rows)
        for action, id in self.events:
            events.image(self.store.root, action, id)


def remove(
    store: Store, references: list[str], force: bool = False, prune: bool = True
) -> tuple[list[str], list[MiniDockerError], int]:
    """Remove *references*; return lines as `docker rmi` prints them, failures, and bytes freed."""
    failures: list[MiniDockerError] = []
    with image_store.lock(store.root):
        lines = []
        for reference in references:
            removal = Removal(store, force, prune)
            try:
                removal.remove(reference)
            except MiniDockerError as error:
                failures.append(error)
                if not removal.lines:
                    continue
            lines.append((removal.lines, removal.gone))
            removal.write()
        swept = image_garbage.sweep(store) if lines else image_garbage.Swept()
    swept.finish()
    return told(lines, set(swept.layers)), failures, swept.bytes


def told(planned: list[tuple[list[str], list[Image]]], layers: set[str]) -> list[str]:
    """Return the lines, with each layer that went behind the last image that had it."""
    told: list[str] = []  # the last line first
    for lines, gone in reversed(planned):
        images = {f"Deleted: {image.id}": image for image in gone}
        for line in reversed(lines):
            chains = images[line].chain_ids() if line in images else []
            told += [f"Deleted: {chain}" for chain in chains if chain in layers]
            layers.difference_update(chains)
            told.append(line)
    return told[::-1]


def _single(names: list[str]) -> bool:
    """Say whether *names* are one tag at most, and digests of its repository alone."""
    if len(names) <= 1:
        return True
    tags = [name for name in names if "@" not in name]
    digests = {images.parse(name).repository() for name in names if "@" in name}
    if len(tags) > 1:
        return False
    first = images.parse((tags or names)[0]).repository()
    return digests == {first}


def _conflict(image: Image, how: str, why: str) -> str:
    return f"conflict: unable to delete {_short(image.id)} ({how}) - {why}"


def _short(id: str) -> str:
    return id.removeprefix("sha256:")[:12]
