"""The command line of the cloud side: `python -m infra --help` names its commands, one module a group.

Exit status: 0 done; 1 something on this machine did not do its part; 2 the arguments, settings, keys or credentials
are wrong, or there is no such version; 3 a release was stopped and its traffic went back; 4 a bundle was refused;
5 AWS could not be reached or said no.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

try:
    from infra.commands.register import app
except ModuleNotFoundError as missing:
    raise SystemExit(f"{missing.name} is not installed. In a checkout, run: pip install '.[infra]'") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="python -m infra")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
