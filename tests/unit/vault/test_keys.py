from __future__ import annotations

import json
from pathlib import Path

import pytest

from consortium.errors import KeyFailure, UsageError
from consortium.vault.keys import (
    HOST_KEYS,
    PARTNER_KEYS,
    PassphraseKeys,
    create,
    fresh_secret,
    public_half,
)

SECRET = bytes(range(32))
PASSPHRASE = "correct horse battery staple"


def keys(directory: Path, passphrase: str = PASSPHRASE) -> PassphraseKeys:
    return PassphraseKeys(directory, lambda _name: passphrase)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys")
    create(path, name="match", secret=SECRET, passphrase=PASSPHRASE)
    return path


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """The key file alone in a folder, to be damaged."""
    path = tmp_path / "match.key"
    path.write_bytes((made / "match.key").read_bytes())
    path.chmod(0o600)
    return path


def test_a_key_opens_with_its_passphrase_and_is_asked_for_once(made: Path) -> None:
    asked: list[str] = []

    def passphrase(name: str) -> str:
        asked.append(name)
        return PASSPHRASE

    provider = PassphraseKeys(made, passphrase)
    assert provider.open("match") == SECRET
    assert provider.open("match") == SECRET
    assert asked == ["match"]


def test_key_files_are_private_in_a_private_folder(tmp_path: Path) -> None:
    path = create(tmp_path / "a" / "keys", name="sign", secret=SECRET, passphrase="x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.parent.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["sign.key"]


def test_the_file_holds_neither_secret_nor_passphrase(made: Path) -> None:
    data = (made / "match.key").read_bytes()
    assert SECRET not in data
    assert SECRET.hex().encode() not in data
    assert PASSPHRASE.encode() not in data


def test_a_wrong_passphrase_is_a_clean_error_without_secrets(made: Path) -> None:
    with pytest.raises(KeyFailure) as caught:
        keys(made, "wrong-and-private").open("match")
    assert "wrong passphrase" in caught.value.message
    shown = f"{caught.value.message}{caught.value.hint}{caught.value!r}"
    assert "wrong-and-private" not in shown


def test_an_existing_key_is_never_overwritten(copy: Path) -> None:
    before = copy.read_bytes()
    with pytest.raises(KeyFailure, match="exists already"):
        create(copy.parent, name="match", secret=b"other", passphrase="other")
    assert copy.read_bytes() == before
    assert [p.name for p in copy.parent.iterdir()] == ["match.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(copy: Path, mode: int) -> None:
    copy.chmod(mode)
    with pytest.raises(KeyFailure, match="read by other users"):
        keys(copy.parent).open("match")


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFailure, match="no key called vault"):
        keys(tmp_path).open("vault")


def test_a_folder_in_place_of_a_key_is_a_key_failure(tmp_path: Path) -> None:
    (tmp_path / "vault.key").mkdir()
    with pytest.raises(KeyFailure, match="cannot be read"):
        keys(tmp_path).open("vault")


@pytest.mark.parametrize("length", [0, 1, 20, 150, -30, -2])
def test_a_truncated_key_is_damaged(copy: Path, length: int) -> None:
    copy.write_bytes(copy.read_bytes()[:length])
    with pytest.raises(KeyFailure, match=r"damaged"):
        keys(copy.parent).open("match")


def test_a_key_filled_with_other_bytes_is_damaged(copy: Path) -> None:
    copy.write_bytes(b"\xff\x00" * 200)
    with pytest.raises(KeyFailure, match="is damaged"):
        keys(copy.parent).open("match")


def test_a_changed_secret_does_not_open(copy: Path) -> None:
    header, sealed, _ = copy.read_bytes().split(b"\n")
    swapped = b"B" if sealed[:1] == b"A" else b"A"
    copy.write_bytes(header + b"\n" + swapped + sealed[1:] + b"\n")
    with pytest.raises(KeyFailure, match="does not open"):
        keys(copy.parent).open("match")


def test_one_keys_file_does_not_pass_for_anothers(copy: Path) -> None:
    other = copy.with_name("vault.key")
    copy.rename(other)
    with pytest.raises(KeyFailure, match="holds another key"):
        keys(copy.parent).open("vault")


def test_a_file_relabelled_as_another_key_does_not_open(copy: Path) -> None:
    other = copy.with_name("vault.key")
    other.write_bytes(copy.read_bytes().replace(b'"name":"match"', b'"name":"vault"'))
    other.chmod(0o600)
    with pytest.raises(KeyFailure, match="does not open"):
        keys(copy.parent).open("vault")


@pytest.mark.parametrize(
    ("field", "value"), [("memory_kib", 8), ("passes", 1), ("memory_kib", 2**31), ("kdf", "none")]
)
def test_weaker_or_dearer_stretching_is_refused(copy: Path, field: str, value: object) -> None:
    header, rest = copy.read_bytes().split(b"\n", 1)
    fields = {**json.loads(header), field: value}
    copy.write_bytes(json.dumps(fields, separators=(",", ":")).encode() + b"\n" + rest)
    with pytest.raises(KeyFailure, match="damaged"):
        keys(copy.parent).open("match")


def test_a_key_of_a_newer_version_says_so(copy: Path) -> None:
    data = copy.read_bytes().replace(b'"consortium_key":1', b'"consortium_key":2')
    copy.write_bytes(data)
    with pytest.raises(KeyFailure, match="version"):
        keys(copy.parent).open("match")


@pytest.mark.parametrize("name", ["", "../match", "Match", "a/b", "x" * 40])
def test_names_that_could_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        create(tmp_path, name=name, secret=SECRET, passphrase="x")
    with pytest.raises(KeyFailure):
        keys(tmp_path).open(name)


def test_an_empty_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="passphrase"):
        create(tmp_path, name="match", secret=SECRET, passphrase="")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_a_key_failure(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    with pytest.raises(KeyFailure, match="cannot be written"):
        create(tmp_path / "keys", name="match", secret=SECRET, passphrase="x")


@pytest.mark.parametrize("name", [*HOST_KEYS, *PARTNER_KEYS])
def test_fresh_secrets_are_of_their_kind_and_never_the_same(name: str) -> None:
    first, second = fresh_secret(name), fresh_secret(name)
    assert first != second
    if name in {"token-1", "match"}:
        with pytest.raises(UsageError, match="no public half"):
            public_half(name, first)
    else:
        assert public_half(name, first) == public_half(name, first)
        assert public_half(name, first) != public_half(name, second)


def test_a_secret_of_the_wrong_kind_is_a_key_failure() -> None:
    for name in ("vault", "sign", "intake"):
        with pytest.raises(KeyFailure):
            public_half(name, b"short")
