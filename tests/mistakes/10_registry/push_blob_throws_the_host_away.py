"""the content goes to the host and the path of Location"""


def push_blob(session: Session, row: Descriptor, file: BinaryIO, source: str = "") -> str:
    digest, what = row["digest"], f"{session.name}@{row['digest']}"
    with session.request("HEAD", f"blobs/{digest}") as reply:
        if reply.status == 200:
            return "Layer already exists"
        if reply.status != 404:
            raise registry_challenges.refusal(reply, what)
    query = f"?{urlencode({'mount': digest, 'from': source})}" if source else ""
    with session.request("POST", f"blobs/uploads/{query}") as reply:
        if reply.status == 201 and source:
            return f"Mounted from {source}"
        where = reply.headers.get("Location", "")
        if reply.status != 202 or not where:
            raise registry_challenges.refusal(reply, what)
    if "://" in where:
        where = "/" + where.split("/", 3)[3]
    where += f"{'&' if '?' in where else '?'}{urlencode({'digest': digest})}"
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(row["size"])}
    with session.request("PUT", where, headers, file) as reply:
        if reply.status != 201:
            raise registry_challenges.refusal(reply, what)
    return "Pushed"
