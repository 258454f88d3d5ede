"""Read a container's log back: all of it or its last lines, and then what is added.

A reader never meets the writer: it looks at the files. However slow it is, it holds nothing
up, and the container cannot tell that it is there.
"""

from __future__ import annotations

import os

from mini_docker import logs_chain, logs_files, logs_json_read
from mini_docker.errors import StateError
from mini_docker.logs_runs import LONGEST, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from mini_docker.logs_chain import Piece
    from mini_docker.logs_runs import Decoder

BLOCK = 2**20  # bytes that are looked at from the end of a file


class Reader:
    """Reads the log of the container in *directory*, whose HostConfig.LogConfig is *config*."""

    __slots__ = ("decoder", "driver", "kept", "missed", "newest", "path", "pieces", "skip")

    def __init__(self, directory: str, config: Mapping[str, Any], last: int = -1) -> None:
        """Begin with the *last* lines; a negative number is all.

        What there is, is what there is at this moment.
        """
        self.driver = config.get("Type") or logs_files.DEFAULT
        self.path = logs_files.path(directory, self.driver)
        if not self.path:
            raise StateError("configured logging driver does not support reading")
        self.decoder = self._decoder()
        self.skip = 0  # lines that are read and not wanted
        self.missed = False  # files were removed before we came to them
        self.kept: Callable[[], list[Piece] | None] = lambda: None  # see logs_keeper.py
        self.newest: Piece | None = None  # open, and not yet among the pieces
        self.pieces: list[Piece] = []  # that follow each other, the oldest first
        self._begin(last)

    def _decoder(self) -> Decoder:
        if self.driver == logs_files.DEFAULT:
            return logs_json_read.Decoder()
        from mini_docker import logs_local_read

        return logs_local_read.Decoder()

    def _begin(self, lines: int) -> None:
        """Open as many files as the last *lines* need, from the newest to the oldest.

        The line before them has to be found as well: only its end tells where ours begin.
        Of more files than we may hold open the newest are opened again when it is their turn.
        """
        piece = self.newest = logs_chain.newest(self.path)
        if piece:
            piece.stop()
        everything, most = lines < 0, logs_chain.most()
        while piece:
            self.pieces.insert(0, piece)
            if not everything:
                lines -= self._locate(piece, lines, piece is self.newest)
                if lines < 0:
                    break
            if len(self.pieces) > most and (last := self.pieces.pop()) is not self.newest:
                last.close()
            piece = logs_chain.before(self.path, piece)
        self.skip = 0 if everything else max(0, -lines)

    def _locate(self, piece: Piece, lines: int, newest: bool) -> int:
        """Leave *piece* where more than *lines* lines follow; return how many do.

        That is its beginning if it has not so many. A line that has no newline yet counts
        in the *newest* file, and goes on in the next one elsewhere.
        """
        if piece.compressed or self.driver != logs_files.DEFAULT:
            found = _count(self._read(piece, self._decoder()), newest)
            piece.rewind()
            return found
        end, found, size = piece.end(), 0, BLOCK
        while end and found <= lines:
            start = max(0, end - size)
            data = os.pread(piece.descriptor, end - start, start)
            skipped = data.find(b"\n") + 1 if start else 0
            if start and skipped in (0, len(data)):  # one entry fills it, or none at all
                end, size = (end, 2 * size) if size < 2 * LONGEST else (start, BLOCK)
                continue
            found += _count(self._decoder().feed(data[skipped:]), newest and not found)
            end, size = start + skipped, BLOCK
        piece.rewind(end)
        return found

    def present(self, living: bool) -> Iterator[Run]:
        """Return what there was when we began, however fast more is added.

        *living* says whether somebody was writing then.
        """
        end = self.newest
        while True:
            yield from self.runs()
            if not end or self.pieces[0] is end:
                break
            if not self._advance() or self.missed:
                self.missed = True
                if self.newest:
                    self._take([end])
        if not living:
            yield from self.ending()

    def runs(self) -> Iterator[Run]:
        """Return what there is, up to the place where nothing follows."""
        while self.pieces:
            yield from self._wanted(self._read(self.pieces[0], self.decoder))
            if len(self.pieces) == 1:
                return
            yield from self._wanted(self.decoder.end())
            self.pieces.pop(0).close()

    def follow(self, alive: Callable[[], bool], wait: Callable[[], None]) -> Iterator[Run]:
        """After runs(), return what is added, until *alive* says that nobody writes any more.

        *wait* is called whenever there is nothing new.
        """
        if self.newest:
            self.newest.limit = -1
            self._take([])
        while True:
            living = alive()  # asked before we look: what was written last is there by now
            yield from self.runs()
            if self._advance():
                continue
            if not living:
                yield from self.ending()
                return
            wait()

    def ending(self) -> Iterator[Run]:
        """Nobody writes any more: return what can be made of the end of the last file."""
        yield from self._wanted(self.decoder.end())

    def _advance(self) -> bool:
        """Go on to the next file, or to one that has begun anew; say whether there is one."""
        if self.pieces and self.pieces[0].cut():
            self.decoder.end()
            return True
        if not self.pieces:
            more, missed = logs_chain.newest(self.path), False
            while more and (older := logs_chain.before(self.path, more)):
                more.close()
                more = older
        else:
            more, missed = logs_chain.following(self.path, self.pieces[0])
        self.missed = self.missed or missed
        if more is None:
            return self._take_kept()
        if self.newest and logs_chain.same(self.newest, more):
            more.close()
            more = self.newest
        self._take([more])
        return True

    def _take(self, more: list[Piece]) -> None:
        """Go on to *more*: runs() reads the present one to its end before it takes them."""
        self.pieces += more
        if self.newest in self.pieces:
            self.newest = None  # it is closed once it is read

    def _take_kept(self) -> bool:
        """Go on to what was kept for us of a log that is removed now; say whether there is any."""
        kept = self.kept()
        if kept is None:
            return False
        self.kept = lambda: None
        here = logs_chain.place(self.pieces[0], kept) if self.pieces else -1
        self.missed = self.missed or (here < 0 < len(self.pieces))
        for piece in kept[: here + 1]:
            piece.close()
        self._take(kept[here + 1 :])
        return len(kept) > here + 1

    def _read(self, piece: Piece, decoder: Decoder) -> Iterator[Run]:
        """Return what *decoder* makes of the rest of *piece*."""
        while True:
            try:
                data = piece.read()
            except (OSError, ValueError):  # the disk, or a compressed file that is none
                decoder.damaged += 1
                return
            if not data:
                return
            yield from decoder.feed(data)

    def _wanted(self, runs: Iterable[Run]) -> Iterator[Run]:
        """Leave out the first *skip* lines."""
        for run in runs:
            if self.skip:
                there = run.text.count(b"\n")
                if there < self.skip:
                    self.skip -= there
                    continue
                run.text = run.text.split(b"\n", self.skip)[self.skip]
                self.skip = 0
            if run.text:
                yield run

    def remarks(self) -> list[str]:
        """Return what is to be said about what could not be read, and forget it."""
        found = []
        if self.decoder.damaged:
            found.append("the log is damaged: what could not be read is left out")
        if self.decoder.lost:
            found.append(f"{self.decoder.lost} bytes of the log could not be written to the disk")
        if self.missed:
            found.append("a part of the log was removed before it could be read")
        self.decoder.damaged = self.decoder.lost = 0
        self.missed = False
        return found


def _count(runs: Iterable[Run], newest: bool) -> int:
    """Return how many lines there are in *runs*; see _locate()."""
    found, text = 0, b"\n"
    for run in runs:
        found, text = found + run.text.count(b"\n"), run.text
    return found + (newest and not text.endswith(b"\n"))
