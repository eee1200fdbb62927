"""What CloudFormation makes of the SAM template. Runs in the SAM CLI's environment, where the translator is.

.venv-sam/bin/python infra/template/translate.py template.yaml > template.json
.venv-sam/bin/python infra/template/translate.py template.yaml '{"Deployment": "AllAtOnce"}' > template.json

SAM itself reads some parameters while it translates (how to deploy, which image) and leaves the rest to CloudFormation.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform  # type: ignore[import-not-found, unused-ignore]
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-not-found, unused-ignore]

IMAGE = "registry/image:tag"  # `sam build` puts the built image's name in, so this puts in one


class NoPolicies:
    """Stands in for the managed policies that the translator would fetch from AWS; it knows its own default ones."""

    def load(self) -> dict[str, str]:
        """No policy."""
        return {}


def translate(text: str, parameters: dict[str, str]) -> dict[str, Any]:
    """The template after SAM's transform, with an API's metadata on its stage, too: the translator drops it."""
    source = yaml_parse(text)
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"].setdefault("ImageUri", IMAGE)
    translated: dict[str, Any] = transform(source, parameters, NoPolicies())
    apis = {name: it for name, it in source["Resources"].items() if it["Type"] == "AWS::Serverless::Api"}
    for resource in translated["Resources"].values():
        if resource["Type"] == "AWS::ApiGateway::Stage":
            resource["Metadata"] = apis[resource["Properties"]["RestApiId"]["Ref"]].get("Metadata", {})
    return translated


if __name__ == "__main__":
    try:
        path, *parameters = sys.argv[1:]
        template = translate(Path(path).read_text(encoding="utf-8"), json.loads(parameters[0]) if parameters else {})
        json.dump(template, sys.stdout, indent=2)
    except Exception as error:  # YAML's errors, SAM's, and those of its translator: all are about the template
        causes = getattr(error, "causes", None) or [error]
        sys.exit(
            "\n".join(str(getattr(cause, "message", "") or f"{type(cause).__name__}: {cause}") for cause in causes)
        )
