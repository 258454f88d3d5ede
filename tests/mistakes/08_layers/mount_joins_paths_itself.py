"""in a path was taken for syntax"""


def mount(
    lowers: list[str], upper: str, work: str, target: str, words: Iterable[str] = OPTIONS
) -> None:
    if not 1 <= len(lowers) <= MOST_LOWERS:
        raise LayerError(f"cannot mount {len(lowers)} layers: overlayfs takes 1 to {MOST_LOWERS}")
    opened: list[int] = []
    try:
        data = ",".join([f"lowerdir={':'.join(lowers)},upperdir={upper},workdir={work}", *words])
        if len(os.fsencode(data)) >= PAGE:
            opened.append(short("."))
            for path in lowers:
                opened.append(short(path))
            os.chdir("/proc/self/fd")
            data = options([str(number) for number in opened[1:]], upper, work, words)
        syscalls.mount("overlay", target, "overlay", 0, data)
    except OSError as error:
        raise LayerError(refusal(target, upper, error)) from error
    finally:
        if opened:
            os.fchdir(opened[0])
        for number in opened:
            os.close(number)
