# Says: the wrong order
def mount_all(root: str, mounts: Iterable[Mount]) -> None:
    for it in sorted(mounts, key=lambda mount: mount.target, reverse=True):
        flags, propagation, data = rootfs_options.parse(it.options)
        bind = flags & syscalls.MS_BIND
        below = mount_point(root, it)
        try:
            syscalls.mount(it.source, alias(below), None if bind else it.type, flags, data)
            above = locate(root, it.target)
            if bind and flags & rootfs_options.ON_REMOUNT:
                _remount(above, flags & rootfs_options.ON_REMOUNT)
            if propagation:
                syscalls.mount(None, alias(above), None, propagation)
            os.close(above)
        except OSError as error:
            raise RootfsError(_refusal(it, error)) from error
        finally:
            os.close(below)
