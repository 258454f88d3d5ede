"""the rest is cut off without a word"""


def mount(
    lowers: list[str], upper: str, work: str, target: str, words: Iterable[str] = OPTIONS
) -> None:
    if not 1 <= len(lowers) <= MOST_LOWERS:
        raise LayerError(f"cannot mount {len(lowers)} layers: overlayfs takes 1 to {MOST_LOWERS}")
    opened: list[int] = []
    try:
        data = options(lowers, upper, work, words)
        syscalls.mount("overlay", target, "overlay", 0, data)
    except OSError as error:
        raise LayerError(refusal(target, upper, error)) from error
    finally:
        if opened:
            os.fchdir(opened[0])
        for number in opened:
            os.close(number)
