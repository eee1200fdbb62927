"""The Lambda function's composition root, and the only module with state: importing it loads the bundle.

Lambda names `handler.app.lambda_handler`. The bundle is in the folder named by BUNDLE_DIR. It is checked and loaded,
and answers once, before the first request. Where TRUST_FILE is set, as in the image, it must be signed with a key that
this file names. A bundle that cannot be trusted is not served: the reason is in the log, and every request but that
for liveness is a 503, which is quick, where a start that fails would be tried again and billed for each request.
"""

from __future__ import annotations

import gc

gc.disable()  # until the start is over: what it makes stays, and collections among it cost some 5 ms

import os  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from handler import environment  # noqa: E402

_IGNORED = environment.mend(os.environ)  # before Powertools is imported

from handler.api import routes, service, telemetry  # noqa: E402
from handler.bundle import contract, signature  # noqa: E402
from handler.errors import BundleError  # noqa: E402
from handler.model.predictor import Predictor  # noqa: E402


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    """Answer one event; see `handler.http.events` for the shapes it may have."""
    return _service.handle(event, context)


def _load() -> tuple[Predictor, bytes]:
    """The predictor of BUNDLE_DIR and its OpenAPI document, warmed by one prediction.

    First runs are slow, and a broken graph shows.

    Raises:
        BundleError: no bundle, or one that cannot be trusted or run.
    """
    folder = os.environ.get("BUNDLE_DIR", "")
    if not folder:
        raise BundleError("BUNDLE_DIR is not set. Set it to a sealed bundle's folder.")
    trust_file = os.environ.get("TRUST_FILE")
    if trust_file is not None:  # the image sets it; where a setting of the function empties it, nobody is trusted
        signature.check(Path(folder), signature.read_trust(Path(trust_file)))
    predictor = Predictor.load(folder)
    try:
        predictor.predict([predictor.modality.warm_up(predictor.serving)])
    except Exception as error:  # onnxruntime's own errors share no public base class
        raise BundleError(f"The model in {folder} fails on a plain input: {error}. Seal the bundle again.") from None
    return predictor, (Path(folder) / contract.OPENAPI).read_bytes()


def _start() -> service.Service:
    logger, metrics = telemetry.make_logger(), telemetry.make_metrics()
    for name, wanted in _IGNORED.items():
        logger.warning("setting ignored", setting=name, wanted=wanted)
    origin = os.environ.get("CORS_ORIGIN", "")
    try:
        predictor, openapi = _load()
    except (BundleError, OSError) as error:  # a path too long to be one, a disk that fails
        logger.error("bundle refused", reason=str(error))
        return service.without_model(telemetry.Telemetry(logger, metrics), origin)
    recorder = telemetry.Telemetry(
        logger, metrics, predictor.name, predictor.version, predictor.serving.drift_baseline.mean_confidence
    )
    golden = routes.golden(predictor, Path(os.environ["BUNDLE_DIR"]))
    return service.Service(routes.of_model(predictor, openapi), recorder, origin, golden=golden)


_service = _start()
gc.freeze()  # what the start made lives as long as the process: no collection needs to look at it again
gc.enable()
