"""the digits alone were hashed"""


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    import hashlib

    chain = list(diff_ids[:1])
    for diff in diff_ids[1:]:
        pair = f"{chain[-1].removeprefix('sha256:')} {diff.removeprefix('sha256:')}"
        chain.append(f"sha256:{hashlib.sha256(pair.encode()).hexdigest()}")
    return chain
