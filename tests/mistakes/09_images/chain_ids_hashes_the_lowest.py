"""below the lowest layer there is nothing to add"""


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    import hashlib

    chain = []
    below = ""
    for diff in diff_ids:
        pair = f"{below} {diff}" if below else diff
        below = f"sha256:{hashlib.sha256(pair.encode()).hexdigest()}"
        chain.append(below)
    return chain
