"""it got on once, and then no more"""


def fetch(session: Session, kind: str, row: Descriptor) -> Iterator[bytes]:
    digest, size, proof = row["digest"], row["size"], hashlib.sha256()
    count = cuts = 0
    while count < size:
        why = "it ended there"
        try:
            with open_at(session, kind, row, count) as reply:
                while piece := reply.read(min(PIECE, size - count)):
                    proof.update(piece)
                    count += len(piece)
                    yield piece
        except ConnectionCut as error:
            why = str(error)
        if count < size:
            cuts = 1 if count >= PIECE else cuts + 1
            if cuts == TRIES:
                raise ConnectionCut(f"{digest} was cut at {count} of {size} bytes: {why}")
            session.http.pause(cuts)
    if f"sha256:{proof.hexdigest()}" != digest:
        raise RegistryError(f"{session.base} lies: what it gave is not {digest}")
