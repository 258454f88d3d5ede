"""What a build shows, and what nobody can make it show."""

from __future__ import annotations

import io
import sys

import pytest

from mini_docker.cli import build_live, build_view


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain", "plain"),
        ("10%\r50%\r100%", "100%"),
        ("10%\r", "10%"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b[2Ja\x00b\x9bc", "abc"),
    ],
)
def test_a_line_is_what_a_terminal_would_show_of_it(line: str, shown: str) -> None:
    assert build_live.clean(line) == shown


@pytest.mark.parametrize(
    ("line", "columns", "shown"),
    [("abc", 2, "ab"), ("äbc", 2, "äb"), ("ab中文", 5, "ab中"), ("中", 1, ""), ("中", 2, "中")],
)
def test_a_line_is_cut_at_the_width_of_the_window(line: str, columns: int, shown: str) -> None:
    assert build_live.cut(line, columns) == shown


def test_the_tail_keeps_the_last_lines_and_the_one_that_has_not_ended() -> None:
    tail = build_live.Tail()
    tail.add("".join(f"{n}\n" for n in range(20)).encode() + "ä".encode()[:1])
    tail.add("ä".encode()[1:] + b"b")
    assert tail.rows == ["15", "16", "17", "18", "19", "äb"]


def test_what_is_kept_is_bounded_and_its_end_counts() -> None:
    kept = build_view.Kept()
    for _ in range(5):
        kept.add(b"x" * build_view.KEPT)
    kept.add(b"end\x1b[2J\n")
    assert len(kept.text()) < 3 * build_view.KEPT
    assert kept.text().startswith("[...]\n") and kept.text().endswith("end\\x1b[2J\n")


def test_the_classic_lines(capsys: pytest.CaptureFixture[str]) -> None:
    view = build_view.Classic()
    id = "sha256:" + "3f57d9401f8d" + "0" * 52
    view.step(1, 2, "FROM busybox")
    view.image(id)
    view.step(2, 2, "RUN \x1b[2J")
    view.running("0d1fdd0f8d9c" + "0" * 52)
    view.removed("0d1fdd0f8d9c" + "0" * 52)
    view.cached()
    view.built(id)
    view.tagged("a:latest")
    assert capsys.readouterr().out.split("\n") == [
        "Step 1/2 : FROM busybox",
        " ---> 3f57d9401f8d",
        "Step 2/2 : RUN \\x1b[2J",
        " ---> Running in 0d1fdd0f8d9c",
        "Removing intermediate container 0d1fdd0f8d9c",
        " ---> Using cache",
        "Successfully built 3f57d9401f8d",
        "Successfully tagged a:latest",
        "",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_moving_lines_go_and_the_output_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    view = build_live.Live()
    view.step(1, 1, "RUN false")
    view.running("0d1fdd0f8d9c")
    view.output(2, b"first\n")
    view._draw()
    view._draw()
    view.output(1, b"\x1b[2Jlast")
    view.removed("0d1fdd0f8d9c")
    wanted = "\x1b[Jfirst\n\\x1b[2Jlast\nRemoving intermediate container 0d1fdd0f8d9c\n"
    assert out.getvalue().endswith(wanted)
    view.close(failed=True)
    assert out.getvalue().endswith(wanted), "once"
    assert view._thread and not view._thread.is_alive()
