# Says: a link is followed
def hide(root: str, masked: Iterable[str], read_only: Iterable[str]) -> None:
    for path in masked:
        if os.path.isdir(root + path):
            syscalls.mount("tmpfs", root + path, "tmpfs", syscalls.MS_RDONLY)
        elif os.path.exists(root + path):
            syscalls.mount("/dev/null", root + path, None, syscalls.MS_BIND)
    for path in read_only:
        if os.path.exists(root + path):
            syscalls.mount(root + path, root + path, None, syscalls.MS_BIND | syscalls.MS_REC)
            make_read_only(root, path)
