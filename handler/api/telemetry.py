"""One JSON log line and one set of CloudWatch metrics a request. Nothing of an input is ever in either.

Powertools' `inject_lambda_context` is left out on purpose: one environment variable would make it log whole events.
Of powertools only Logger and Metrics are imported; its package imports its Tracer too, which loads no X-Ray SDK
until one is made.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from handler.http.response import PROBLEM_URN, Response
from handler.model.predictor import Prediction

NAMESPACE = "Limbeck"
SERVICE = "limbeck"


class Telemetry:
    """Writes what was served, for one model. Remembers whether a request came before."""

    def __init__(
        self, logger: Logger, metrics: Metrics, name: str = "", version: str = "", usual_confidence: float = 0.0
    ) -> None:
        """Tie log lines and metrics to a model's name and version; no model, no name.

        `usual_confidence`: the mean on validation rows, from which the drift of the confidence is told.
        """
        self._logger = logger
        self._metrics = metrics
        self._model = {"model": name, "version": version}
        self._usual_confidence = usual_confidence
        self._service = str(metrics.service)
        # Provisioned concurrency starts functions before anyone waits for them.
        self._cold = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "provisioned-concurrency"

    def record(
        self,
        request_id: str,
        answer: Response,
        *,
        event_source: str,
        route: str,
        body_bytes: int,
        duration_ms: float,
        fault: str | None = None,
    ) -> None:
        """Log a request; of predictions and failures, publish metrics too.

        `route`: one of the known ones, or "unknown", as a path is the caller's text. `fault`: the exception's type,
        where something unexpected happened.
        """
        cold, self._cold = self._cold, False
        line: dict[str, object] = {
            "request_id": request_id,
            **self._model,
            "event_source": event_source,
            "route": route,
            "status": answer.status,
            "inputs": len(answer.predictions),
            "body_bytes": body_bytes,
            "answer_bytes": len(answer.body),
            "duration_ms": round(duration_ms, 3),
            "cold": cold,
        }
        if answer.status >= 400:
            line |= {key: answer.content[key] for key in ("type", "pointer") if key in answer.content}
        if fault is not None:
            self._logger.error("fault", extra={"fault": fault, **line})
        else:
            self._logger.info("request", extra=line)
        if answer.status >= 400 or answer.predictions:  # probes would drown the latency of predictions
            self._publish(request_id, answer, cold, duration_ms)

    def _publish(self, request_id: str, answer: Response, cold: bool, duration_ms: float) -> None:
        metrics = self._metrics
        counts = {"Errors": answer.status >= 500, "Rejections": 400 <= answer.status < 500}
        for name, counted in (counts | {"ColdStart": True} if cold else counts).items():
            metrics.add_metric(name, MetricUnit.Count, int(counted))
        if answer.predictions:
            self._publish_predictions(answer.predictions, duration_ms)
        else:  # by service alone, and by service and problem: errors by type
            metrics.add_dimensions(service=self._service, problem=answer.content["type"].removeprefix(PROBLEM_URN))
        for key, value in self._model.items():
            metrics.add_metadata(key, value)
        metrics.add_metadata("request_id", request_id)
        metrics.flush_metrics()

    def _publish_predictions(self, predictions: Sequence[Prediction], duration_ms: float) -> None:
        count = len(predictions)
        confidence = sum(prediction.confidence for prediction in predictions) / count
        for name, unit, value in (
            ("Latency", MetricUnit.Milliseconds, duration_ms),
            ("Inputs", MetricUnit.Count, count),
            ("Abstentions", MetricUnit.Count, sum(prediction.abstained for prediction in predictions)),
            ("Confidence", MetricUnit.NoUnit, confidence),
            ("ConfidenceDrift", MetricUnit.NoUnit, confidence - self._usual_confidence),
            ("Novelty", MetricUnit.NoUnit, sum(prediction.novelty for prediction in predictions) / count),
        ):
            self._metrics.add_metric(name, unit, value)


def make_logger() -> Logger:
    """Powertools' logger: JSON lines on standard output, UTC, without the source line's location."""
    service = os.environ.get("POWERTOOLS_SERVICE_NAME", SERVICE)
    return Logger(service=service, use_rfc3339=True, utc=True, location=None)


def make_metrics() -> Metrics:
    """Powertools' metrics: CloudWatch's embedded metric format on standard output, by `service`."""
    provider = AmazonCloudWatchEMFProvider(  # named, because without one all Metrics share their dimensions
        namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE),
        service=os.environ.get("POWERTOOLS_SERVICE_NAME", SERVICE),
    )
    return Metrics(provider=provider)
