"""the first of the pair is the chain id below"""


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    import hashlib

    chain = list(diff_ids[:1])
    for below, diff in zip(diff_ids, diff_ids[1:]):
        pair = f"{below} {diff}"
        chain.append(f"sha256:{hashlib.sha256(pair.encode()).hexdigest()}")
    return chain
