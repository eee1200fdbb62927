"""A function's instance: loads the handler and bundle of one image as Lambda would, then answers one event a line.

Started in the image's folder with PYTHONPATH, BUNDLE_DIR and TRUST_FILE pointing into it. The handler's own log goes to
standard error.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the handler prints is its log
    from handler.app import lambda_handler

    for line in sys.stdin:
        answers.write(json.dumps(lambda_handler(json.loads(line), None)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
