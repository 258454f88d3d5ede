"""the wrong way round"""


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    import hashlib

    chain = list(diff_ids[:1])
    for diff in diff_ids[1:]:
        pair = f"{diff} {chain[-1]}"
        chain.append(f"sha256:{hashlib.sha256(pair.encode()).hexdigest()}")
    return chain
