"""The ECR repository that the function's images are in: tags there are written once and never moved."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore import exceptions as aws

from infra.aws.clients import code_of, requesting
from infra.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient


@dataclass(frozen=True)
class Repository:
    """A repository that exists."""

    name: str
    uri: str


@dataclass(frozen=True)
class Login:
    """What `docker push` shows to the repository's host. Valid for 12 hours."""

    host: str
    user: str
    password: str


class Images:
    """The images of one account and region."""

    def __init__(self, client: ECRClient) -> None:
        """No request is sent yet."""
        self._client = client

    def repository(self, name: str) -> Repository | None:
        """The repository of this name; None where there is none."""
        with requesting(f"look for the repository {name}"):
            try:
                [found] = self._client.describe_repositories(repositoryNames=[name])["repositories"]
            except self._client.exceptions.RepositoryNotFoundException:
                return None
        return Repository(found["repositoryName"], found["repositoryUri"])

    def create(self, name: str) -> Repository:
        """Make the repository, or take the one that another made meanwhile."""
        with requesting(f"create the repository {name}"):
            try:
                self._client.create_repository(
                    repositoryName=name,
                    imageTagMutability="IMMUTABLE",
                    imageScanningConfiguration={"scanOnPush": True},
                )
            except aws.ClientError as error:
                if code_of(error) != "RepositoryAlreadyExistsException":
                    raise
        made = self.repository(name)
        if made is None:
            raise ConfigError(f"The repository {name} was deleted just now. Run the same command again.")
        return made

    def digest(self, repository: str, tag: str) -> str | None:
        """The digest (`sha256:...`) of the image under a tag; None where there is no such image."""
        with requesting(f"look for the image {repository}:{tag}"):
            try:
                [found] = self._client.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])[
                    "imageDetails"
                ]
            except self._client.exceptions.ImageNotFoundException:
                return None
        return found["imageDigest"]

    def login(self) -> Login:
        """A password for `docker push`."""
        with requesting("log in to the image registry"):
            [data] = self._client.get_authorization_token()["authorizationData"]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        return Login(data["proxyEndpoint"].removeprefix("https://"), user, password)
