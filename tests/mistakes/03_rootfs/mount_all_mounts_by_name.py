# Says: a link leads out
def mount_all(root: str, mounts: Iterable[Mount]) -> None:
    for it in mounts:
        flags, propagation, data = rootfs_options.parse(it.options)
        bind = flags & syscalls.MS_BIND
        os.close(mount_point(root, it))
        try:
            syscalls.mount(it.source, root + it.target, None if bind else it.type, flags, data)
            above = os.open(root + it.target, syscalls.O_PATH)
            if bind and flags & rootfs_options.ON_REMOUNT:
                _remount(above, flags & rootfs_options.ON_REMOUNT)
            if propagation:
                syscalls.mount(None, alias(above), None, propagation)
            os.close(above)
        except OSError as error:
            raise RootfsError(_refusal(it, error)) from error
