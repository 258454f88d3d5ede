"""the file was written through a symbolic link"""


def apply(archive: Reader, tree: Tree) -> None:
    for entry in archive:
        try:
            above, name = split(entry.name)
            os.makedirs(f"/proc/self/fd/{tree.root}/{above}", exist_ok=True)
            folder = os.open(above or ".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=tree.root)
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
