"""The Lambda function's composition root, and the only module with state: importing it loads the bundle.

Lambda names `handler.app.lambda_handler`. The bundle is in the folder named by BUNDLE_DIR. It is checked and loaded,
and answers once, before the first request; a bundle that cannot be trusted stops the start.
"""

from __future__ import annotations

import os
from typing import Any

from handler import telemetry
from handler.contract import Serving
from handler.errors import BundleError
from handler.predictor import Predictor, Record
from handler.service import Service


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    """Answer one event; see `handler.request` for the shapes it may have."""
    return _service.handle(event, context)


def _load() -> Predictor:
    """The predictor of BUNDLE_DIR, warmed by one prediction: first runs are slow, and a broken graph shows.

    Raises:
        BundleError: no bundle, or one that cannot be trusted or run.
    """
    folder = os.environ.get("BUNDLE_DIR", "")
    if not folder:
        raise BundleError("BUNDLE_DIR is not set. Set it to a sealed bundle's folder.")
    predictor = Predictor.load(folder)
    try:
        predictor.predict([_warm_up_input(predictor.serving)])
    except Exception as error:  # onnxruntime's own errors share no public base class
        raise BundleError(f"The model in {folder} fails on a plain input: {error}. Seal the bundle again.") from None
    return predictor


def _warm_up_input(serving: Serving) -> Record:
    """A word, or a row with every column missing."""
    return "warm" if serving.task == "text" else {}


def _start() -> Service:
    logger = telemetry.make_logger()
    try:
        predictor = _load()
    except BundleError as error:
        logger.error("bundle refused", reason=str(error))
        raise error.with_traceback(None) from None  # the reason is all there is to say
    recorder = telemetry.Telemetry(logger, telemetry.make_metrics(), predictor.name, predictor.version)
    return Service(predictor, recorder)


_service = _start()
