"""The bundle that is to be released, brought to a temporary folder of this machine, checked and signed.

It comes out of the registry, or it is a folder here that the release will push first: then it is signed here.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from handler.bundle import contract, golden, signature
from handler.bundle.contract import Manifest
from handler.bundle.golden import Golden
from handler.bundle.signature import SIGNATURE, Trust
from handler.errors import BundleError
from infra.errors import refusing
from infra.image import build
from infra.registry import bundle_folder
from infra.registry.references import Reference
from infra.registry.registry import Registry
from infra.signing.signer import Signer, sign_folder
