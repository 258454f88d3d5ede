"""a short read was taken for the end"""


def diff_id(blob: BinaryIO) -> str:
    import hashlib

    digest, tar = hashlib.sha256(), image_streams.decompressed(blob)
    while True:
        piece = tar.read(2**12)
        digest.update(piece)
        if len(piece) < 2**12:
            return f"sha256:{digest.hexdigest()}"
