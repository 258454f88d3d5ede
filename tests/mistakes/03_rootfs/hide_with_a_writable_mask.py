# Says: a writable mask
def hide(root: str, masked: Iterable[str], read_only: Iterable[str]) -> None:
    for path in masked:
        target = _find(root, path)
        if target is None:
            continue
        if is_directory(target):
            _cover(target, "tmpfs", "tmpfs", 0, path)
        else:
            _cover(target, "/dev/null", None, syscalls.MS_BIND, path)
        os.close(target)
    for path in read_only:
        target = _find(root, path)
        if target is None:
            continue
        _cover(target, alias(target), None, syscalls.MS_BIND | syscalls.MS_REC, path)
        os.close(target)
        make_read_only(root, path)
