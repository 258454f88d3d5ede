"""only some kinds were refused"""


def pack(upper: Stack, archive: Writer, hidden: Container[str] = ()) -> None:
    for it in upper.walk():
        above, _, name = it.path.lstrip("/").rpartition("/")
        beside = f"{above}/" if above else ""
        if it.path in hidden or it.kind == "socket":
            continue
        if it.whiteout:
            archive.mark(f"{beside}{WHITEOUT}{name}")
            continue
        if name.startswith(WHITEOUT):
            raise LayerError(f"cannot pack {it.path}: a name like this stands for a removal")
        archive.add(it, upper)
        if it.opaque:
            archive.mark(f"{beside}{name}/{OPAQUE}")
