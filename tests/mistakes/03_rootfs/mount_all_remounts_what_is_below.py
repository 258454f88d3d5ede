# Says: the wrong descriptor
def mount_all(root: str, mounts: Iterable[Mount]) -> None:
    for it in mounts:
        flags, propagation, data = rootfs_options.parse(it.options)
        bind = flags & syscalls.MS_BIND
        place = mount_point(root, it)
        try:
            syscalls.mount(it.source, alias(place), None if bind else it.type, flags, data)
            if bind and flags & rootfs_options.ON_REMOUNT:
                _remount(place, flags & rootfs_options.ON_REMOUNT)
            if propagation:
                syscalls.mount(None, alias(place), None, propagation)
        except OSError as error:
            raise RootfsError(_refusal(it, error)) from error
        finally:
            os.close(place)
