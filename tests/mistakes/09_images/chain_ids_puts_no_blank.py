"""there is no blank between the two"""


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    import hashlib

    chain = list(diff_ids[:1])
    for diff in diff_ids[1:]:
        pair = f"{chain[-1]}{diff}"
        chain.append(f"sha256:{hashlib.sha256(pair.encode()).hexdigest()}")
    return chain
