"""the whole layer was read into memory"""


def diff_id(blob: BinaryIO) -> str:
    import hashlib

    digest, tar = hashlib.sha256(), image_streams.decompressed(blob)
    while piece := tar.read(2**62):
        digest.update(piece)
    return f"sha256:{digest.hexdigest()}"
