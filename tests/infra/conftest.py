"""A registry in moto's S3, in this process, for the tests that ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from tests import bundles
from tests.infra.shelves import NAME, client, connection


@pytest.fixture(scope="module")
def cloud() -> Iterator[None]:
    """AWS, as moto has it, with a bucket called shelf."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        ours = ("LIMBECK_REGISTRY", "LIMBECK_TRUST", "LIMBECK_SIGNING_KEY", "LIMBECK_KEY_PASSWORD")
        for variable in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", *ours):
            patch.delenv(variable, raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client().create_bucket(Bucket="shelf")
        yield
    client.cache_clear()
    connection.cache_clear()


@pytest.fixture
def empty_shelf(cloud: None) -> None:
    """Nothing is in the bucket."""
    for item in client().list_objects_v2(Bucket="shelf").get("Contents", []):
        client().delete_object(Bucket="shelf", Key=item["Key"])


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A sealed bundle that nobody signed yet."""
    bundles.text_bundle(tmp_path / "sealed", name=NAME)
    return tmp_path / "sealed"
