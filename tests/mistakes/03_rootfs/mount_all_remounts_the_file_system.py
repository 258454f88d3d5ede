# Says: MS_REMOUNT without MS_BIND
def mount_all(root: str, mounts: Iterable[Mount]) -> None:
    for it in mounts:
        flags, propagation, data = rootfs_options.parse(it.options)
        bind = flags & syscalls.MS_BIND
        below = mount_point(root, it)
        try:
            syscalls.mount(it.source, alias(below), None if bind else it.type, flags, data)
            above = locate(root, it.target)
            later = flags & rootfs_options.ON_REMOUNT
            if bind and later:
                syscalls.mount(None, alias(above), None, syscalls.MS_REMOUNT | later)
            if propagation:
                syscalls.mount(None, alias(above), None, propagation)
            os.close(above)
        except OSError as error:
            raise RootfsError(_refusal(it, error)) from error
        finally:
            os.close(below)
