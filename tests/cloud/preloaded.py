"""What takes long, done once in the process that `tests.cloud.warm` forks all others from. Import it nowhere else.

It imports the command line, and reads botocore's descriptions of the services, which every session has its own of.
"""

from __future__ import annotations

from pathlib import Path

import botocore.session
from botocore.loaders import Loader

import infra.__main__  # noqa: F401

_LOADER = Loader(extra_search_paths=[str(Path(botocore.__file__).parent / "data")])
botocore.session.create_loader = lambda *_: _LOADER
for _service in ("s3", "lambda", "ecr", "cloudformation", "codedeploy", "cloudwatch", "logs", "sts"):
    _LOADER.load_service_model(_service, "service-2")
_LOADER.load_data("endpoints")
_LOADER.load_data("partitions")
