"""the pieces were collected"""


def diff_id(blob: BinaryIO) -> str:
    import hashlib

    tar, whole = image_streams.decompressed(blob), b""
    while piece := tar.read(PIECE):
        whole += piece
    return f"sha256:{hashlib.sha256(whole).hexdigest()}"
