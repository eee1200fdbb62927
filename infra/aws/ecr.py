"""The ECR repository that the function's images are in: tags there are written once and never moved."""

from __future__ import annotations

import base64

from infra.aws.clients import ECRClient, passing, requesting
from infra.errors import ConfigError


class Images:
    """The images of one account and region."""

    def __init__(self, client: ECRClient) -> None:
        """No request is sent yet."""
        self._client = client

    def repository(self, name: str) -> str | None:
        """The URI of the repository of this name; None where there is none."""
        with requesting(f"look for the repository {name}"), passing("RepositoryNotFoundException"):
            [found] = self._client.describe_repositories(repositoryNames=[name])["repositories"]
            return found["repositoryUri"]
        return None

    def create(self, name: str) -> str:
        """Make the repository, or take the one that another made meanwhile; its URI."""
        with requesting(f"create the repository {name}"), passing("RepositoryAlreadyExistsException"):
            self._client.create_repository(
                repositoryName=name,
                imageTagMutability="IMMUTABLE",
                imageScanningConfiguration={"scanOnPush": True},
            )
        made = self.repository(name)
        if made is None:
            raise ConfigError(f"The repository {name} was deleted just now. Run the same command again.")
        return made

    def digest(self, repository: str, tag: str) -> str | None:
        """The digest (`sha256:...`) of the image under a tag; None where there is no such image."""
        with requesting(f"look for the image {repository}:{tag}"), passing("ImageNotFoundException"):
            said = self._client.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
            [found] = said["imageDetails"]
            return found["imageDigest"]
        return None

    def tags(self, repository: str) -> dict[str, tuple[str, ...]]:
        """The tags of every image by its digest; empty where there is no such repository."""
        with requesting(f"list the images of {repository}"), passing("RepositoryNotFoundException"):
            pages = self._client.get_paginator("describe_images").paginate(repositoryName=repository)
            return {it["imageDigest"]: tuple(it.get("imageTags", ())) for page in pages for it in page["imageDetails"]}
        return {}

    def login(self) -> tuple[str, str, str]:
        """What `docker push` shows to the repository's host: host, user and a password that is valid for 12 hours."""
        with requesting("log in to the image registry"):
            [data] = self._client.get_authorization_token()["authorizationData"]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        return data["proxyEndpoint"].removeprefix("https://"), user, password
