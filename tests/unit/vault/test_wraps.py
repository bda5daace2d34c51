from __future__ import annotations

from pathlib import Path

import pytest

from consortium.errors import EvidenceError, KeyFailure, UsageError
from consortium.types import CampaignName, UploadDigest
from consortium.vault.wraps import OWNER, STANDING, WrapStore, campaign_scope

ONE, TWO = UploadDigest(b"1" * 32), UploadDigest(b"2" * 32)
BALLOTS = campaign_scope(CampaignName("ballots"))


def wrap(byte: int) -> bytes:
    return bytes([byte]) * 80


@pytest.fixture
def store(tmp_path: Path) -> WrapStore:
    return WrapStore(tmp_path / "wraps")


def test_a_wrap_comes_back_by_scope_and_upload(store: WrapStore) -> None:
    store.put(OWNER, upload=ONE, wrap=wrap(1))
    store.put(BALLOTS, upload=ONE, wrap=wrap(2))
    assert store.get(OWNER, upload=ONE) == wrap(1)
    assert store.get(BALLOTS, upload=ONE) == wrap(2)
    assert store.get(STANDING, upload=ONE) is None
    assert store.get(OWNER, upload=TWO) is None


def test_an_empty_store_has_nothing_and_makes_nothing(store: WrapStore, tmp_path: Path) -> None:
    assert store.scopes() == []
    assert store.uploads() == []
    assert store.drop_scope(OWNER) == 0
    assert store.drop_upload(ONE) == 0
    assert not list(tmp_path.iterdir())


def test_wraps_are_private_files_in_private_folders(store: WrapStore, tmp_path: Path) -> None:
    store.put(OWNER, upload=ONE, wrap=wrap(1))
    (path,) = (tmp_path / "wraps").rglob("*.wrap")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.parent.parent.stat().st_mode & 0o777 == 0o700


def test_a_new_wrap_takes_the_place_of_the_old(store: WrapStore, tmp_path: Path) -> None:
    store.put(BALLOTS, upload=ONE, wrap=wrap(1))
    store.put(BALLOTS, upload=ONE, wrap=wrap(2))
    assert store.get(BALLOTS, upload=ONE) == wrap(2)
    assert len(list((tmp_path / "wraps").rglob("*"))) == 2


def test_the_end_of_a_campaign_drops_its_wraps_and_no_others(store: WrapStore) -> None:
    for upload in (ONE, TWO):
        store.put(OWNER, upload=upload, wrap=wrap(1))
        store.put(BALLOTS, upload=upload, wrap=wrap(2))
    assert store.drop_scope(BALLOTS) == 2
    assert store.scopes() == [OWNER]
    assert store.uploads(OWNER) == [ONE, TWO]
    assert store.drop_scope(BALLOTS) == 0


def test_withdrawal_drops_an_uploads_wraps_of_every_scope(store: WrapStore) -> None:
    for scope in (OWNER, STANDING, BALLOTS):
        store.put(scope, upload=ONE, wrap=wrap(1))
    store.put(OWNER, upload=TWO, wrap=wrap(2))
    assert store.drop_upload(ONE) == 3
    assert store.uploads() == [TWO]
    assert store.scopes() == [OWNER]


def test_one_wrap_can_be_dropped(store: WrapStore) -> None:
    store.put(OWNER, upload=ONE, wrap=wrap(1))
    assert store.drop(OWNER, upload=ONE)
    assert not store.drop(OWNER, upload=ONE)


@pytest.mark.parametrize("scope", ["", "other", "../owner", "campaign-", "campaign-A", "owner/x"])
def test_scopes_that_could_leave_the_folder_are_refused(store: WrapStore, scope: str) -> None:
    with pytest.raises(UsageError):
        store.put(scope, upload=ONE, wrap=wrap(1))
    with pytest.raises(UsageError):
        store.get(scope, upload=ONE)
    with pytest.raises(UsageError):
        store.drop_scope(scope)


def test_what_is_not_a_wrap_is_not_kept(store: WrapStore) -> None:
    with pytest.raises(KeyFailure):
        store.put(OWNER, upload=ONE, wrap=b"short")
    with pytest.raises(UsageError):
        store.put(OWNER, upload=UploadDigest(b"short"), wrap=wrap(1))


@pytest.mark.parametrize("data", [b"", b"no base64!", b"QUJD\n", b"\xff" * 100])
def test_a_damaged_wrap_says_so(store: WrapStore, tmp_path: Path, data: bytes) -> None:
    store.put(OWNER, upload=ONE, wrap=wrap(1))
    (path,) = (tmp_path / "wraps").rglob("*.wrap")
    path.write_bytes(data)
    with pytest.raises(EvidenceError, match="damaged"):
        store.get(OWNER, upload=ONE)


def test_a_folder_that_cannot_be_written_is_a_key_failure(tmp_path: Path) -> None:
    (tmp_path / "wraps").write_text("a file")
    store = WrapStore(tmp_path / "wraps")
    with pytest.raises(KeyFailure, match="cannot be written"):
        store.put(OWNER, upload=ONE, wrap=wrap(1))


def test_files_of_others_in_the_folder_are_left_alone(store: WrapStore, tmp_path: Path) -> None:
    store.put(OWNER, upload=ONE, wrap=wrap(1))
    notes = tmp_path / "wraps" / OWNER / "notes.txt"
    notes.write_text("mine")
    assert store.uploads() == [ONE]
    assert store.drop_scope(OWNER) == 1
    assert notes.read_text() == "mine"


def test_a_dropped_wraps_bytes_are_overwritten_before_its_name_goes(
    store: WrapStore, tmp_path: Path
) -> None:
    store.put(OWNER, upload=ONE, wrap=wrap(1))
    (path,) = (tmp_path / "wraps").rglob("*.wrap")
    other_name = tmp_path / "hard-link"
    other_name.hardlink_to(path)
    store.drop_upload(ONE)
    assert not path.exists()
    assert set(other_name.read_bytes()) == {0}
