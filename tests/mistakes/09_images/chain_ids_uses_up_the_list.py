"""the image's own config would be wrong from here on"""


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    import hashlib

    if not diff_ids:
        return []
    diff_ids = diff_ids if isinstance(diff_ids, list) else list(diff_ids)
    chain = [diff_ids.pop(0)]
    while diff_ids:
        pair = f"{chain[-1]} {diff_ids.pop(0)}"
        chain.append(f"sha256:{hashlib.sha256(pair.encode()).hexdigest()}")
    return chain
