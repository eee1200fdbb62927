"""Runs a peer's program for as long as the one that started it lives: `lifeline MODULE ARGUMENTS`.

The parent holds the other end of standard input. When it ends, however it ends, the pipe closes. Linux is asked as
well: the thread that waits for the pipe cannot run while a library works for minutes with the interpreter locked.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import runpy
import signal
import sys
import threading

_ORPHANED = 1
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run the named module as a program, with the arguments after its name."""
    with contextlib.suppress(AttributeError):  # elsewhere than on Linux
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
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
