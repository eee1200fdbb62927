"""Tags and history: small objects that several people write at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.__main__ import main
from infra.aws.s3 import Bucket
from infra.errors import CloudError, ConfigError, RefusedError
from infra.registry import history
from infra.registry.history import History
from infra.registry.references import Reference
from infra.registry.tags import CANDIDATE, LIVE, RETIRED, Tags
from tests import bundles
from tests.infra.shelves import NAME, client, connection, keys, push, shelf

ONE, TWO, THREE = "1" * 12, "2" * 12, "3" * 12
ME = "arn:aws:iam::123456789012:user/me"

pytestmark = pytest.mark.usefixtures("empty_shelf")


def mine() -> Tags:
    return shelf().tags(NAME)


class Rival(Bucket):
    """A bucket where somebody else writes just before every write of ours, as often as `overtakes` says."""

    def __init__(self, overtakes: int, rival: Callable[[], object]) -> None:
        self._own = connection()
        self.name = self._own.name
        self._overtakes = overtakes
        self._rival = rival

    def read(self, key: str):  # noqa: ANN201
        return self._own.read(key)

    def put_new(self, key: str, body: bytes) -> bool:
        self._meet()
        return self._own.put_new(key, body)

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        self._meet()
        return self._own.replace(key, body, etag)

    def _meet(self) -> None:
        if self._overtakes:
            self._overtakes -= 1
            self._rival()


def test_a_tag_names_version_who_when_and_the_one_before() -> None:
    first, second = mine().give(LIVE, ONE, ME), mine().give(LIVE, TWO, ME)
    assert (first.previous, second.previous) == (None, ONE)
    assert mine().holders(LIVE) == (second,)
    assert (second.version, second.by) == (TWO, ME)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(second.at)).total_seconds() < 60


def test_giving_a_tag_again_writes_nothing() -> None:
    first = mine().give(LIVE, ONE, ME)
    assert mine().give(LIVE, ONE, "somebody else") == first


def test_many_are_retired_and_one_is_live() -> None:
    for version in (ONE, TWO):
        mine().give(RETIRED, version, ME)
    mine().give(LIVE, THREE, ME)
    assert mine().worn() == {ONE: RETIRED, TWO: RETIRED, THREE: LIVE}
    assert mine().version(RETIRED) == TWO


def test_a_version_wears_one_tag_live_before_all_then_the_latest() -> None:
    mine().give(CANDIDATE, ONE, ME)
    mine().give(RETIRED, ONE, ME)
    assert mine().worn() == {ONE: RETIRED} and mine().version(CANDIDATE) is None
    mine().give(CANDIDATE, ONE, ME)
    assert mine().worn() == {ONE: CANDIDATE}
    mine().give(LIVE, ONE, ME)
    mine().give(RETIRED, ONE, ME)
    assert mine().worn() == {ONE: LIVE}
    mine().give(LIVE, TWO, ME)
    assert mine().worn() == {ONE: RETIRED, TWO: LIVE}


def test_of_two_who_tag_at_once_neither_loses_the_others_doing() -> None:
    mine().give(RETIRED, ONE, ME)
    at = f"bundles/{NAME}/tags/"
    overtaken = Tags(Rival(1, lambda: mine().give(RETIRED, TWO, "rival")), at)
    overtaken.give(RETIRED, THREE, ME)
    assert {holder.version for holder in mine().holders(RETIRED)} == {ONE, TWO, THREE}


def test_who_is_overtaken_names_the_rival_as_the_one_before() -> None:
    overtaken = Tags(Rival(1, lambda: mine().give(LIVE, TWO, "rival")), f"bundles/{NAME}/tags/")
    assert overtaken.give(LIVE, THREE, ME).previous == TWO
    assert mine().version(LIVE) == THREE


def test_who_is_overtaken_for_ever_gives_up_in_words() -> None:
    versions = iter(range(10**11, 10**12))
    rival = Rival(100, lambda: mine().give(LIVE, f"{next(versions)}", "rival"))
    with pytest.raises(CloudError, match="being changed by others"):
        Tags(rival, f"bundles/{NAME}/tags/").give(LIVE, ONE, ME)


def test_a_write_whose_answer_was_lost_counts_once() -> None:
    """botocore sends the request again, and S3 finds the condition broken by the first."""

    class Lossy(Rival):
        def put_new(self, key: str, body: bytes) -> bool:
            self._own.put_new(key, body)
            return self._own.put_new(key, body)

        def replace(self, key: str, body: bytes, etag: str) -> bool:
            self._own.replace(key, body, etag)
            return self._own.replace(key, body, etag)

    lossy = Tags(Lossy(0, lambda: None), f"bundles/{NAME}/tags/")
    assert lossy.give(LIVE, ONE, ME).previous is None
    assert lossy.give(LIVE, TWO, ME).previous == ONE
    assert mine().version(LIVE) == TWO


def test_a_tag_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="candidate, live, retired"):
        mine().give("best", ONE, ME)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"tag": "live"}', b'{"tag": "retired", "holders": []}', b"\xff"])
def test_a_tag_object_of_another_kind_is_refused_in_words(body: bytes) -> None:
    client().put_object(Bucket="shelf", Key=f"bundles/{NAME}/tags/live.json", Body=body)
    with pytest.raises(RefusedError, match=r"live\.json is no tag"):
        mine().worn()


def test_a_tag_is_resolved_to_a_whole_version(sealed: Path, tmp_path: Path) -> None:
    push(sealed)
    version = shelf().entries()[0].version
    with pytest.raises(ConfigError, match="tagged live"):
        shelf().resolve(Reference(NAME, tag=LIVE))
    shelf().tag(Reference(NAME, version), LIVE)
    assert shelf().resolve(Reference(NAME, tag=LIVE)).version == version
    assert [event.kind for event in shelf().history(NAME).events()] == [history.PUSHED, history.TAGGED]
    with pytest.raises(ConfigError, match="has no version"):
        shelf().tag(Reference(NAME, ONE), LIVE)


def test_neither_tags_nor_history_are_listed_as_versions(sealed: Path) -> None:
    push(sealed)
    shelf().tag(Reference(NAME), CANDIDATE)
    assert len(shelf().entries()) == len(shelf().entries(NAME)) == 1
    assert all(key.startswith(f"bundles/{NAME}/{shelf().entries()[0].version}/") for key in keys())


def events() -> History:
    return shelf().history(NAME)


def test_events_come_back_in_order_with_all_that_was_said() -> None:
    written = [events().append(history.RELEASED, version, ME, {"function": "f"}) for version in (ONE, TWO, THREE)]
    assert events().events() == written
    assert events().events(last=2) == written[1:]
    assert events().events(version=TWO) == [written[1]]
    assert events().has(history.RELEASED, TWO) and not events().has(history.PUSHED, TWO)


@pytest.mark.parametrize(("kind", "version"), [("Released", ONE), ("a/b", ONE), ("released", "x"), ("", ONE)])
def test_an_event_of_no_kind_or_version_is_a_bug_and_writes_nothing(kind: str, version: str) -> None:
    with pytest.raises(ValueError, match="kind or version"):
        events().append(kind, version, ME, {})
    assert events().events() == []


def test_an_event_that_was_changed_is_refused_in_words() -> None:
    events().append(history.RELEASED, ONE, ME, {})
    [item] = client().list_objects_v2(Bucket="shelf", Prefix=f"bundles/{NAME}/history/")["Contents"]
    client().put_object(Bucket="shelf", Key=item["Key"], Body=b"[]")
    with pytest.raises(RefusedError, match="is no event"):
        events().events()


def test_the_commands_tag_list_and_tell_the_history(
    sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIMBECK_REGISTRY", "s3://shelf/bundles")
    bundles.text_bundle(tmp_path / "next", bundles.text_serving(labels=("bad", "good")), name=NAME)
    push(sealed)
    push(tmp_path / "next")
    one, two = sorted(entry.version for entry in shelf().entries())
    assert main(["tag", f"{NAME}/{one}", "live"]) == 0
    assert main(["tag", f"{NAME}/{two}", "live"]) == 0
    assert f"which {one} had" in capsys.readouterr().out
    assert main(["tag", f"{NAME}/{two}", "best"]) == 2
    assert main(["tag", f"{NAME}/{'0' * 12}", "live"]) == 2
    capsys.readouterr()
    assert main(["list", "--json"]) == 0
    assert {row["version"]: row["tag"] for row in json.loads(capsys.readouterr().out)} == {one: None, two: "live"}
    assert main(["history", NAME, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [event["kind"] for event in told] == ["pushed", "pushed", "tagged", "tagged"]
    assert told[-1]["details"] == {"tag": "live"} and told[-1]["by"].startswith("arn:aws:")
    assert main(["history", f"{NAME}/{one}"]) == 0
    said = capsys.readouterr().out
    assert one in said and two not in said
    assert main(["history", "absent"]) == 0
    assert "Nothing happened" in capsys.readouterr().err
