"""The fields of an archive's headers: numbers, names, pax records, maps of sparse files.

Every function raises ValueError, with what is wrong, for a field that cannot be so.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_docker.layers_tar import Entry

    Map = list[tuple[int, int]]  # offset and length of each piece of a sparse file's data

XATTR = "SCHILY.xattr."
MAX_ID = 2**32 - 2  # of a user or group: the next one means "leave it" to chown(2)
MAX_SEGMENTS = 2**16  # pieces of data in one sparse file
MAX_TIME = 2**39  # seconds: some 17,000 years
NUMERIC = (b"uid", b"gid", b"size")


def number(field: bytes, what: str) -> int:
    """Return the number in *field*: octal digits, or binary if the first bit is set (GNU)."""
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise ValueError(f"a {what} that is negative or far too large")
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    try:
        return int(digits, 8) if digits else 0
    except ValueError:
        raise ValueError(f"a {what} that is no number: {digits!r}") from None


def is_checksum(block: bytes, field: bytes) -> bool:
    """Say whether *field* holds the sum of the bytes of *block*, with blanks in its own place."""
    try:
        stored = number(field, "checksum")
    except ValueError:
        return False
    if stored == sum(block) - sum(field) + 256:
        return True
    signed = (byte - 256 if byte > 127 else byte for byte in block[:148] + block[156:])
    return stored == sum(signed) + 256  # as some old programs have it


def time(field: bytes) -> int:
    """Return a header's time in nanoseconds; a binary one may lie before 1970."""
    if field[0] & 0x80:
        seconds = int.from_bytes(field, "big", signed=True)
        if field[0] == 0x80:
            seconds = int.from_bytes(field[1:], "big")
    else:
        seconds = number(field, "time")
    return bounded_time(seconds * 10**9)


def bounded_time(nanoseconds: int) -> int:
    """Return *nanoseconds*, or 0 for a time that no file system can keep, as Docker does."""
    return nanoseconds if abs(nanoseconds) < MAX_TIME * 10**9 else 0


def read_records(data: bytes, records: dict[str, bytes], sparse: Map) -> None:
    """Add the pax records in *data* to *records*, and the pieces of a sparse file to *sparse*."""
    at = 0
    while at < len(data) and data[at]:
        blank = data.find(b" ", at, at + 8)
        digits = data[at:blank] if blank > 0 else b""
        if not digits.isdigit():
            raise ValueError("a record without a length")
        end = at + int(digits)
        key, equals, value = data[blank + 1 : end - 1].partition(b"=")
        if end <= blank + 1 or end > len(data) or data[end - 1 : end] != b"\n" or not equals:
            raise ValueError("a record of a wrong length")
        at = end
        name = os.fsdecode(key)
        if name == "GNU.sparse.offset":
            sparse.append((_plain(value, name), 0))
        elif name == "GNU.sparse.numbytes":
            _add_length(sparse, _plain(value, name))
        else:
            records[name] = value


def _add_length(sparse: Map, length: int) -> None:
    if not sparse or len(sparse) > MAX_SEGMENTS:
        raise ValueError("a broken sparse map")
    sparse[-1] = (sparse[-1][0], length)


def _plain(value: bytes, what: str) -> int:
    if not value.isdigit() or len(value) > 20:
        raise ValueError(f"{what} is no number: {value[:40]!r}")
    return int(value)


def decimal(records: dict[str, bytes], key: str) -> int:
    """Return the number that the record *key* holds."""
    return _plain(records.get(key, b""), key)


def pax_time(value: bytes) -> int:
    """Return a pax time, such as b"-1.5", in nanoseconds; more digits than nine are cut."""
    whole, _, fraction = value.lstrip(b"-").partition(b".")
    if not whole.isdigit() or len(whole) > 20 or not (fraction + b"0").isdigit():
        raise ValueError(f"mtime is no number: {value[:40]!r}")
    nanoseconds = int(whole) * 10**9 + int(fraction[:9].ljust(9, b"0"))
    return bounded_time(-nanoseconds if value[:1] == b"-" else nanoseconds)


def name(raw: tuple[bytes, ...], block: bytes, records: dict[str, bytes]) -> bytes:
    """Return the name of an entry from its header and the *records* before it."""
    found = records.get("GNU.sparse.name") or records.get("path")
    if found is None:
        found = raw[0].partition(b"\0")[0]
        if raw[9][:6] == b"ustar\0":  # GNU and v7 have other things in the prefix's place
            prefix = raw[14][:131] if block[508:512] == b"tar\0" else raw[14]
            if prefix := prefix.partition(b"\0")[0]:
                found = prefix + b"/" + found
    return found


def fill(entry: Entry, raw: tuple[bytes, ...], records: dict[str, bytes]) -> None:
    """Set what *entry* is, from its header *raw* and the *records* before it."""
    entry.mode = number(raw[1], "mode") & 0o7777
    entry.uid = decimal(records, "uid") if "uid" in records else number(raw[2], "uid")
    entry.gid = decimal(records, "gid") if "gid" in records else number(raw[3], "gid")
    if entry.uid > MAX_ID or entry.gid > MAX_ID:
        raise ValueError(f"no such owner: {entry.uid}:{entry.gid}")
    if entry.kind == "file":
        size = decimal(records, "size") if "size" in records else number(raw[4], "size")
        if size >= 2**63:
            raise ValueError(f"a size of {size} bytes")
        entry.size = entry.stored = size
    elif entry.kind not in ("directory", "fifo"):
        _fill_rest(entry, raw, records)
    entry.mtime = pax_time(records["mtime"]) if "mtime" in records else time(raw[5])
    entry.xattrs = {
        key.removeprefix(XATTR): value for key, value in records.items() if key.startswith(XATTR)
    }


def _fill_rest(entry: Entry, raw: tuple[bytes, ...], records: dict[str, bytes]) -> None:
    """Set the target of a link, or the number of a device."""
    if entry.kind in ("link", "symlink"):
        target = records.get("linkpath", raw[8].partition(b"\0")[0])
        if b"\0" in target or len(target) > 4095:
            raise ValueError("its target is no path")
        entry.target = os.fsdecode(target)
        return
    entry.device = number(raw[12], "device number"), number(raw[13], "device number")
    if entry.device[0] >= 2**12 or entry.device[1] >= 2**20:
        raise ValueError("no such device number")


def find_map(
    entry: Entry,
    block: bytes,
    records: dict[str, bytes],
    pieces: Map,
    take: Callable[[bool], bytes],
) -> None:
    """Find out where the data of a sparse *entry* belongs: there are four ways to say so.

    GNU's old one has the map in the header and in blocks behind it, version 0.0 in a record
    for each piece, 0.1 in one record, 1.0 before the data. *take* returns the next block.
    """
    if block[156:157] == b"S":
        entry.segments, entry.size, more = old_map(block)
        while more:
            more = more_map(entry.segments, take(False))
    elif records.get("GNU.sparse.major") == b"1":
        entry.size = decimal(records, "GNU.sparse.realsize")
        entry.segments, used = new_map(take)
        entry.stored -= used
    elif "GNU.sparse.size" in records:
        entry.size = decimal(records, "GNU.sparse.size")
        entry.segments = listed_map(records) if "GNU.sparse.map" in records else pieces
    if entry.segments is not None:
        check_map(entry)


def old_map(block: bytes) -> tuple[Map, int, bool]:
    """Return a GNU header's map, the file's size, and whether a block with more map follows."""
    return _triples(block[386:482]), number(block[483:495], "size"), bool(block[482])


def more_map(before: Map, block: bytes) -> bool:
    """Add the map in *block* to *before*; return whether another block follows."""
    if len(before) > MAX_SEGMENTS:
        raise ValueError(f"a sparse file of more than {MAX_SEGMENTS} pieces")
    before += _triples(block[:504])
    return bool(block[504])


def _triples(data: bytes) -> Map:
    pairs = (data[at : at + 24] for at in range(0, len(data), 24))
    return [
        (number(pair[:12], "sparse offset"), number(pair[12:], "sparse length"))
        for pair in pairs
        if pair.strip(b"\0 ")
    ]


def listed_map(records: dict[str, bytes]) -> Map:
    """Return the map of the record GNU.sparse.map: "offset,length,offset,length"."""
    words = records["GNU.sparse.map"].split(b",")
    if len(words) % 2 or len(words) > 2 * MAX_SEGMENTS:
        raise ValueError("a broken sparse map")
    numbers = [_plain(word, "GNU.sparse.map") for word in words]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def new_map(take: Callable[[bool], bytes]) -> tuple[Map, int]:
    """Return the map that stands before the data (GNU 1.0), and the bytes that it takes there.

    Decimal lines: how many pieces, then offset and length of each; filled up to a block.
    """
    numbers: list[int] = []
    wanted, used, rest = 1, 0, b""
    while len(numbers) < wanted:
        rest += take(True)
        used += 512
        *lines, rest = rest.split(b"\n")
        numbers += [_plain(line, "a sparse map") for line in lines[: wanted - len(numbers)]]
        if wanted == 1 and numbers:
            wanted = 1 + 2 * numbers[0]
            if numbers[0] > MAX_SEGMENTS:
                raise ValueError(f"a sparse file of more than {MAX_SEGMENTS} pieces")
            numbers += [_plain(line, "a sparse map") for line in lines[1:wanted]]
        if len(rest) > 40 and len(numbers) < wanted:
            raise ValueError("a broken sparse map")
    return list(zip(numbers[1::2], numbers[2::2], strict=True)), used


def check_map(entry: Entry) -> None:
    """Hold the map of *entry* to its sizes: in order, inside the file, as long as the data."""
    end = total = 0
    for offset, length in entry.segments or ():
        if offset < end or offset + length > entry.size:
            raise ValueError("a sparse map that overlaps, or goes beyond the file")
        end = offset + length
        total += length
    if total != entry.stored or entry.size >= 2**63:
        raise ValueError("a sparse map that does not fit its data")
