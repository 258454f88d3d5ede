# Says: no private propagation
def isolate(root: str) -> None:
    try:
        syscalls.mount(root, root, None, syscalls.MS_BIND | syscalls.MS_REC)
    except OSError as error:
        raise RootfsError(f"cannot bind the root {root}: {reason(error)}") from error
