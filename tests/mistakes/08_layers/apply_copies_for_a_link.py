"""a hard link is a second name"""


def apply(archive: Reader, tree: Tree) -> None:
    for entry in archive:
        try:
            above, name = split(entry.name)
            folder = tree.enter(above)
            if name == OPAQUE:
                tree.make_opaque(folder)
            elif name.startswith(PRIVATE):
                continue
            elif name.startswith(WHITEOUT):
                tree.make_whiteout(folder, name.removeprefix(WHITEOUT))
            elif not name:
                tree.make_root(entry)
            elif entry.kind == "link":
                import shutil

                source = "/".join(split(entry.target))
                root = f"/proc/self/fd/{tree.root}"
                shutil.copy(f"{root}/{source}", f"/proc/self/fd/{folder}/{name}")
            else:
                tree.make(folder, name, entry, archive)
        except OSError as error:
            raise LayerError(_refused(entry, error)) from error
