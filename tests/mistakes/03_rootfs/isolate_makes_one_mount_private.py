# Says: only "/" itself is changed
def isolate(root: str) -> None:
    try:
        syscalls.mount(None, "/", None, syscalls.MS_PRIVATE)
    except OSError as error:
        raise RootfsError(f"cannot make the mounts private: {reason(error)}") from error
    try:
        syscalls.mount(root, root, None, syscalls.MS_BIND | syscalls.MS_REC)
    except OSError as error:
        raise RootfsError(f"cannot bind the root {root}: {reason(error)}") from error
