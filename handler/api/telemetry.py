"""One JSON log line and one set of CloudWatch metrics a request. Nothing of an input is ever in either.

Powertools' `inject_lambda_context` is left out on purpose: one environment variable would make it log whole events.
Of powertools only Logger and Metrics are imported; its package imports its Tracer too, which loads no X-Ray SDK
until one is made.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from handler.http.response import PROBLEM_URN, Response

NAMESPACE = "Limbeck"
SERVICE = "limbeck"


@dataclass(frozen=True)
class Served:
    """What may be told about one request."""

    request_id: str
    door: str
    route: str  # one of the known routes, or "unknown": a path is the caller's text
    response: Response
    body_bytes: int
    duration_ms: float
    fault: str | None = None  # the exception's type, where something unexpected happened


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

    def record(self, served: Served) -> None:
        """Log the request; of predictions and failures, publish metrics too."""
        cold, self._cold = self._cold, False
        answer = served.response
        line: dict[str, object] = {
            "request_id": served.request_id,
            **self._model,
            "door": served.door,
            "route": served.route,
            "status": answer.status,
            "inputs": len(answer.predictions),
            "body_bytes": served.body_bytes,
            "answer_bytes": len(answer.body),
            "duration_ms": round(served.duration_ms, 3),
            "cold": cold,
        }
        if answer.status >= 400:
            line |= {key: answer.content[key] for key in ("type", "pointer") if key in answer.content}
        if served.fault is not None:
            self._logger.error("fault", extra={"fault": served.fault, **line})
        else:
            self._logger.info("request", extra=line)
        if answer.status < 400 and not answer.predictions:
            return  # probes would drown the latency of predictions
        self._publish(served, cold)

    def _publish(self, served: Served, cold: bool) -> None:
        metrics, answer = self._metrics, served.response
        metrics.add_metric("Errors", MetricUnit.Count, int(answer.status >= 500))
        metrics.add_metric("Rejections", MetricUnit.Count, int(400 <= answer.status < 500))
        if cold:
            metrics.add_metric("ColdStart", MetricUnit.Count, 1)
        if answer.predictions:
            self._publish_predictions(served)
        else:  # by service alone, and by service and problem: errors by type
            metrics.add_dimensions(service=self._service, problem=answer.content["type"].removeprefix(PROBLEM_URN))
        for key, value in self._model.items():
            metrics.add_metadata(key, value)
        metrics.add_metadata("request_id", served.request_id)
        metrics.flush_metrics()

    def _publish_predictions(self, served: Served) -> None:
        metrics, predictions = self._metrics, served.response.predictions
        count = len(predictions)
        confidence = sum(prediction.score for prediction in predictions) / count
        metrics.add_metric("Latency", MetricUnit.Milliseconds, served.duration_ms)
        metrics.add_metric("Inputs", MetricUnit.Count, count)
        metrics.add_metric("Abstentions", MetricUnit.Count, sum(prediction.abstained for prediction in predictions))
        metrics.add_metric("Confidence", MetricUnit.NoUnit, confidence)
        metrics.add_metric("ConfidenceDrift", MetricUnit.NoUnit, confidence - self._usual_confidence)
        metrics.add_metric("Novelty", MetricUnit.NoUnit, sum(prediction.novelty for prediction in predictions) / count)


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
