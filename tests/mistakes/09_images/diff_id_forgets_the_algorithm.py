"""the digits alone: what they are must stand before"""


def diff_id(blob: BinaryIO) -> str:
    import hashlib

    digest, tar = hashlib.sha256(), image_streams.decompressed(blob)
    while piece := tar.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()
