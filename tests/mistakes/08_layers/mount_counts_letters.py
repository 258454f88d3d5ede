"""it is bytes that mount(2) counts"""


def mount(
    lowers: list[str], upper: str, work: str, target: str, words: Iterable[str] = OPTIONS
) -> None:
    if not 1 <= len(lowers) <= MOST_LOWERS:
        raise LayerError(f"cannot mount {len(lowers)} layers: overlayfs takes 1 to {MOST_LOWERS}")
    opened: list[int] = []
    try:
        data = options(lowers, upper, work, words)
        if len(data) >= PAGE:
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
