# Says: a path that is missing ends the work on all others
def hide(root: str, masked: Iterable[str], read_only: Iterable[str]) -> None:
    for path in masked:
        target = _find(root, path)
        if target is None:
            return
        if is_directory(target):
            _cover(target, "tmpfs", "tmpfs", syscalls.MS_RDONLY, path)
        else:
            _cover(target, "/dev/null", None, syscalls.MS_BIND, path)
        os.close(target)
    for path in read_only:
        target = _find(root, path)
        if target is None:
            return
        _cover(target, alias(target), None, syscalls.MS_BIND | syscalls.MS_REC, path)
        os.close(target)
        make_read_only(root, path)
