"""its data is between them"""


def apply(archive: Reader, tree: Tree) -> None:
    for entry in list(archive):
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
                tree.link(folder, name, *split(entry.target))
            else:
                tree.make(folder, name, entry, archive)
        except OSError as error:
            raise LayerError(_refused(entry, error)) from error
