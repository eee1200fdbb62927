"""What CloudFormation makes of the SAM template. Runs in the SAM CLI's environment, where the translator is.

.venv-sam/bin/python infra/translate.py template.yaml > template.json
.venv-sam/bin/python infra/translate.py template.yaml '[{}, {"Deployment": "AllAtOnce"}]' > templates.json

SAM itself reads some parameters while it translates (how to deploy, which image) and leaves the rest to CloudFormation:
with a JSON array of sets of parameters, it prints an array of templates, one a set.
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
    """Stands in for the managed policies that the translator would ask AWS for; it knows its own default ones."""

    def load(self) -> dict[str, str]:
        """No policy."""
        return {}


def translate(text: str, parameters: dict[str, str] | None = None) -> dict[str, Any]:
    """The template after SAM's transform, with an API's metadata on its stage, too: the translator drops it."""
    source = yaml_parse(text)
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"].setdefault("ImageUri", IMAGE)
    translated: dict[str, Any] = transform(source, parameters or {}, NoPolicies())
    apis = {name: it for name, it in source["Resources"].items() if it["Type"] == "AWS::Serverless::Api"}
    for resource in translated["Resources"].values():
        if resource["Type"] == "AWS::ApiGateway::Stage":
            api = apis[resource["Properties"]["RestApiId"]["Ref"]]
            resource["Metadata"] = api.get("Metadata", {})
    return translated


if __name__ == "__main__":
    template = Path(sys.argv[1]).read_text(encoding="utf-8")
    asked = [translate(template, parameters) for parameters in json.loads(sys.argv[2])] if sys.argv[2:] else None
    json.dump(translate(template) if asked is None else asked, sys.stdout, indent=2)
