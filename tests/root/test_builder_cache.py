"""The cache of builds on the running kernel: what counts for a step, and what does not.

FROM scratch, so that no image is needed; a view writes down which steps are carried out.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_docker import (
    builder_build,
    builder_cache,
    builder_cache_mounts,
    image_lookup,
    image_store,
    layers_stack,
    trees,
)
from mini_docker.builder_build import BuildError, Request, View
from mini_docker.errors import MiniDockerError
from mini_docker.store import Lock, Store

pytestmark = [pytest.mark.root, pytest.mark.needs("real-root")]

TEXT = "FROM scratch\nCOPY a /\nENV e=1\nARG v=1\nCOPY b /d/\nLABEL l=$v\n"


class Steps(View):
    """Notes which steps are carried out."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.warnings: list[str] = []

    def step(self, number: int, total: int, text: str) -> None:
        self.done.append(number)
        self.texts.append(f"{number}/{total} {text}")

    def cached(self) -> None:
        self.done.pop()

    def image(self, id: str) -> None:
        self.ids.append(id)

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(str(tmp_path / "root"))
    found.prepare()
    return found


@pytest.fixture
def context(tmp_path: Path) -> Path:
    place = tmp_path / "context"
    place.mkdir()
    for name in ("a", "b"):
        (place / name).write_text(name)
    return place


def make(store: Store, context: Path, text: str = TEXT, **asked: object) -> tuple[str, Steps]:
    """Build; return the image's id and the steps that were carried out (but FROM)."""
    request, view = Request(store, text), Steps()
    request.context = str(context)
    for name, value in asked.items():
        setattr(request, name, value)
    id = builder_build.build(request, view)
    view.done = [number for number in view.done if number > 1]
    return id, view


def test_everything_is_found_again(store: Store, context: Path) -> None:
    first, steps = make(store, context)
    assert steps.done == [2, 3, 4, 5, 6] and steps.texts[-1] == "6/6 LABEL l=$v"
    second, again = make(store, context)
    assert again.done == [] and second == first and again.ids == steps.ids


def test_a_parent_counts(store: Store, context: Path) -> None:
    make(store, context)
    assert make(store, context, TEXT.replace("e=1", "e=2"))[1].done == [3, 4, 5, 6]
    assert make(store, context)[1].done == []


def test_content_counts_and_time_does_not(store: Store, context: Path) -> None:
    make(store, context)
    os.utime(context / "a", (1, 1))
    assert make(store, context)[1].done == []
    (context / "b").write_text("B")
    os.utime(context / "b", (1, 1))
    assert make(store, context)[1].done == [5, 6]
    (context / "b").chmod(0o700)
    assert make(store, context)[1].done == [5, 6]
    (context / "c").write_text("not asked for")
    assert make(store, context)[1].done == []


def test_an_argument_counts_where_it_is_used(store: Store, context: Path) -> None:
    make(store, context)
    assert make(store, context, build_args={"v": "2"})[1].done == [6]
    assert make(store, context, build_args={"v": "1"})[1].done == []
    steps = make(store, context, build_args={"unknown": "2"})[1]
    assert steps.done == [] and "unknown" in steps.warnings[0]


def test_how_it_is_written_does_not_count_and_flags_do(store: Store, context: Path) -> None:
    make(store, context)
    assert make(store, context, TEXT.replace("COPY a /", "copy  a \\\n /"))[1].done == []
    assert make(store, context, TEXT.replace("COPY a", "COPY --chown=5 a"))[1].done[0] == 2
    assert make(store, context, TEXT.replace("COPY a", "ADD a"))[1].done[0] == 2


def test_no_cache_and_a_change_in_between(store: Store, context: Path) -> None:
    first, _ = make(store, context)
    second, steps = make(store, context, no_cache=True)
    assert steps.done == [2, 3, 4, 5, 6] and second != first
    assert make(store, context) == (second, steps) or make(store, context)[1].done == []


def test_an_image_that_is_gone_is_made_again(store: Store, context: Path) -> None:
    _, steps = make(store, context)
    for row in image_store.entries(store.root):
        os.unlink(image_store.blob_path(store.root, row["digest"]))
    image_store.write_index(store.root, [])
    assert make(store, context)[1].done == [2, 3, 4, 5, 6]
    assert steps.ids


def test_a_damaged_record_is_no_hit(store: Store, context: Path) -> None:
    make(store, context)
    for path in Path(store.root, "build/cache").iterdir():
        path.write_text("{")
    assert make(store, context)[1].done == [2, 3, 4, 5, 6]
    assert make(store, context)[1].done == []


def test_an_image_of_elsewhere_serves_as_a_cache(store: Store, context: Path) -> None:
    first, _ = make(store, context, tags=["it"])
    cache = Path(store.root, "build/cache")
    for path in cache.iterdir():
        path.unlink()
    rows = [row for row in image_store.entries(store.root) if image_store.name_of(row)]
    image_store.write_index(store.root, rows)  # as if it alone had been pulled
    second, steps = make(store, context, cache_from=["it"])
    assert steps.done == [] and second == first
    for path in cache.iterdir():
        path.unlink()
    assert make(store, context, TEXT + "ENV x=1\n", cache_from=["it"])[1].done == [7]
    steps = make(store, context, cache_from=["nothing"])[1]
    assert steps.done == [] and "nothing" in steps.warnings[0]


def test_pruning_removes_what_leads_nowhere(store: Store, context: Path) -> None:
    make(store, context)
    dangling, everything = builder_cache.Unwanted(False), builder_cache.Unwanted(True)
    assert builder_cache.prune(store.root, dangling) == ([], 0)
    image_store.write_index(store.root, [])
    for row in Path(store.root, "oci/blobs/sha256").iterdir():
        row.unlink()
    gone, freed = builder_cache.prune(store.root, dangling)
    assert len(gone) == 5 and freed > 0
    make(store, context)
    path, held = builder_cache_mounts.mount(store.root, "/c", "shared")
    Path(path, "kept").write_text("x" * 100)
    assert len(builder_cache.prune(store.root, everything)[0]) == 5, "a mount in use stays"
    held.release()
    assert len(builder_cache.prune(store.root, everything)[0]) == 1 and not os.path.exists(path)


def test_pruning_keeps_what_was_used_last(store: Store, context: Path) -> None:
    make(store, context)
    path, held = builder_cache_mounts.mount(store.root, "/c", "shared")
    Path(path, "kept").write_text("x" * 100_000)
    held.release()
    records = sorted(Path(store.root, "build/cache").iterdir())
    for age, record in enumerate(records):
        os.utime(record, (1000 + age, 1000 + age))
    unwanted = builder_cache.Unwanted(True)
    unwanted.before = 1002
    assert builder_cache.prune(store.root, unwanted)[0] == [it.name for it in records[:2]]
    unwanted = builder_cache.Unwanted(True)
    unwanted.keep = builder_cache.usage(store.root)[1] - 1
    assert builder_cache.prune(store.root, unwanted)[0] == [records[2].name]
    unwanted.keep = 1
    assert len(builder_cache.prune(store.root, unwanted)[0]) == 3 and not os.path.exists(path)


def test_a_step_that_begins_while_its_mount_is_pruned_has_a_new_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, held = builder_cache_mounts.mount(store.root, "x", "shared")
    Path(path, "old").touch()
    held.release()
    begun: list[Lock] = []

    def slowly(gone: str, remove: Callable[[str], None] = trees.remove) -> None:
        again, it = builder_cache_mounts.mount(store.root, "x", "shared")
        begun.append(it)
        assert again == path and os.listdir(again) == []
        Path(again, "new").touch()
        remove(gone)

    monkeypatch.setattr(trees, "remove", slowly)
    assert builder_cache.prune(store.root, builder_cache.Unwanted(True)) == ([Path(path).name], 0)
    assert os.listdir(path) == ["new"]
    assert builder_cache.prune(store.root, builder_cache.Unwanted(True)) == ([], 0), "it is in use"
    begun[0].release()


def test_what_a_killed_prune_has_left_goes_with_the_next(store: Store) -> None:
    left = Path(store.root, "build/mounts", f"{builder_cache_mounts.GONE}1")
    left.mkdir(parents=True)
    (left / "file").write_text("four")
    assert builder_cache.usage(store.root) == (1, 4)
    assert builder_cache.prune(store.root, builder_cache.Unwanted(False)) == ([left.name], 4)


def test_a_mount_deeper_than_any_path_is_pruned(store: Store) -> None:
    path, held = builder_cache_mounts.mount(store.root, "x", "locked")
    held.release()
    folder = os.open(path, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d" * 200, dir_fd=folder)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    assert builder_cache.usage(store.root) == (1, 0)
    assert len(builder_cache.prune(store.root, builder_cache.Unwanted(True))[0]) == 1
    assert not os.path.exists(path)


def test_mounts_are_shared_locked_or_private(store: Store) -> None:
    one, first = builder_cache_mounts.mount(store.root, "x", "shared")
    two, second = builder_cache_mounts.mount(store.root, "x", "shared")
    three, third = builder_cache_mounts.mount(store.root, "x", "private")
    assert one == two != three
    for held in (first, second, third):
        held.release()
    four, fourth = builder_cache_mounts.mount(store.root, "x", "private")
    assert four == one
    fourth.release()


def names(store: Store, id: str) -> set[str]:
    """Return the paths of the files of an image, as its layers show them."""
    image = image_lookup.find(store.root, id)
    with layers_stack.Stack(image.layers()) as stack:
        return {it.path for it in stack.walk()}


def test_stages_and_what_they_take_from_each_other(store: Store, context: Path) -> None:
    text = "FROM scratch AS x\nCOPY a /from/x\nCOPY b /other\nFROM scratch AS never\nCOPY no /\n"
    text += "FROM scratch AS y\nCOPY --from=x /from /y\nFROM scratch\nCOPY --from=y /y/x /\n"
    text += "COPY --from=x / /all/\n"
    id, steps = make(store, context, text)
    assert [line.split("/")[0] for line in steps.texts] == [str(n) for n in range(1, 9)]
    assert names(store, id) == {"/x", "/all", "/all/from", "/all/from/x", "/all/other"}
    assert make(store, context, text)[1].done in ([], [4, 6])  # a FROM is never from the cache
    (context / "b").write_text("B")
    changed = make(store, context, text)[1].done
    assert 3 in changed and 5 not in changed, "y took nothing that has changed"
    id, _ = make(store, context, text, target="y")
    assert names(store, id) == {"/y", "/y/x"}


def test_a_stage_may_take_from_one_that_stands_below_it(store: Store, context: Path) -> None:
    text = "FROM scratch AS x\nCOPY --from=y /b /from-y\nFROM scratch AS y\nCOPY b /\n"
    id, steps = make(store, context, text, target="x")
    assert names(store, id) == {"/from-y"} and steps.texts[0] == "1/4 FROM scratch AS y"


def test_what_an_image_holds_is_read_once(store: Store, context: Path) -> None:
    text = "FROM scratch AS x\nCOPY a /\nCOPY b /\nFROM scratch\nCOPY --from=x /a /\n"
    first, _ = make(store, context, text)
    for path in Path(store.root, "layers").glob("*/diff/b"):
        path.unlink()  # nobody looks: what is noted of the image is true for ever
    assert make(store, context, text)[0] == first
    missing = Path(image_lookup.find(store.root, first).layers()[0])
    missing.rename(missing.parent / "away")
    with pytest.raises(MiniDockerError, match="not complete any more"):
        make(store, context, text + "COPY b /\n")


def test_triggers_of_a_base(store: Store, context: Path) -> None:
    make(store, context, "FROM scratch\nONBUILD COPY b /b\nONBUILD ENV x=1\n", tags=["base"])
    id, _ = make(store, context, "FROM base\nLABEL y=1\n")
    image = image_lookup.find(store.root, id)
    assert names(store, id) == {"/b"} and "x=1" in image.config["Env"]
    assert not image.config.get("OnBuild")


def test_one_input_makes_one_digest(store: Store, context: Path, tmp_path: Path) -> None:
    text = "FROM scratch\nCOPY . /d/\nWORKDIR /w\nADD it.tar /t/\n"
    with tarfile.open(context / "it.tar", "w") as archive:
        archive.add(context / "a", "a")
    ids = set()
    for number in range(2):
        other = Store(str(tmp_path / f"other{number}"))
        other.prepare()
        os.utime(context / "b", (10**9 * (number + 1), 10**9 * (number + 1)))
        ids.add(make(other, context, text, epoch=1_500_000_000)[0])
    assert len(ids) == 1
    layer = image_lookup.find(other.root, ids.pop()).layers()[-1]
    assert os.stat(f"{layer}/d/b").st_mtime == 1_500_000_000


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("FROM scratch\nENV x=1\nCOPY bb /\n", r"COPY failed: .*did you mean b\?", 3),
        ("FROM scratch\nCOPY ../x /\n", "forbidden path outside the build context", 2),
        ("FROM scratch\nCOPY a b /c\n", "must be a directory and end with a /", 2),
        ("FROM nothing-here\n", "No such image: nothing-here", 1),
        ("FROM scratch\nCOPY --from=nothing-here / /\n", "nothing-here", 2),
        ("FROM scratch\nCOPY --chown=who a /\n", "unable to find user who", 2),
        ("FROM scratch\nADD --checksum=sha256:0 a /\n", "checksum", 2),
    ],
)
def test_a_failure_says_where_and_leaves_nothing(
    store: Store, context: Path, text: str, message: str, line: int
) -> None:
    with pytest.raises(MiniDockerError, match=message) as failure:
        make(store, context, text)
    assert isinstance(failure.value, BuildError) and failure.value.line == line
    assert os.listdir(f"{store.root}/layers") == []
    for place in ("oci/ingest", "oci/leases", "build/contexts"):
        assert not os.path.exists(f"{store.root}/{place}") or not os.listdir(
            f"{store.root}/{place}"
        )


def test_a_failure_names_the_last_good_image(store: Store, context: Path) -> None:
    with pytest.raises(BuildError) as failure:
        make(store, context, "FROM scratch\nENV x=1\nCOPY no /\n")
    assert image_lookup.find(store.root, failure.value.image).config["Env"][-1] == "x=1"


def test_nothing_is_no_image(store: Store, context: Path) -> None:
    with pytest.raises(MiniDockerError, match="No image was generated"):
        make(store, context, "FROM scratch\n")
