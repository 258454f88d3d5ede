# Says: the root is not bound onto itself
def isolate(root: str) -> None:
    try:
        syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    except OSError as error:
        raise RootfsError(f"cannot make the mounts private: {reason(error)}") from error
