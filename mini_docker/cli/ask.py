"""Ask before something is removed that nobody brings back."""

from __future__ import annotations

import sys


def sure(warning: str) -> bool:
    """Print *warning* and docker's question; say whether the answer is y or yes."""
    print(f"WARNING! {warning}")
    print("Are you sure you want to continue? [y/N] ", end="", flush=True)
    answer = sys.stdin.readline(1024).strip().lower()
    if not sys.stdin.isatty():
        print()
    return answer in ("y", "yes")
