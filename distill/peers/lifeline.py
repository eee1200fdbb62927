"""Runs a peer's program for as long as the one that started it lives: `python -m distill.peers.lifeline MODULE ...`.

The parent holds the other end of standard input. When it ends, however it ends, the pipe closes.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading

_ORPHANED = 1


def main() -> None:
    """Run the named module as a program, with the arguments after its name."""
    threading.Thread(target=_follow_parent, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _follow_parent() -> None:
    # Not through sys.stdin: a thread that waits in there keeps the interpreter from ending.
    while os.read(0, 1):
        pass
    os._exit(_ORPHANED)


if __name__ == "__main__":
    main()
