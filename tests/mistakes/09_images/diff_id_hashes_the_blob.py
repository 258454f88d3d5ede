"""the blob was hashed as it is, compressed"""


def diff_id(blob: BinaryIO) -> str:
    import hashlib

    digest = hashlib.sha256()
    while piece := blob.read(PIECE):
        digest.update(piece)
    return f"sha256:{digest.hexdigest()}"
