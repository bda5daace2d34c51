"""Tokens: the construction, the kinds, and the published vectors."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from consortium.errors import KeyFailure, UsageError
from consortium.tokens import (
    COMPOSITE_KINDS,
    CONTACT_KINDS,
    Email,
    HmacTokeniser,
    Phone,
    Profile,
    Rejected,
    Tokeniser,
    compose_name_address,
    compose_name_address_column,
    compose_name_birth,
    compose_name_birth_column,
    email,
    phone,
)

KEY = bytes(range(32))
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors/tokens.json").read_text(encoding="utf-8")
)


def test_a_token_is_the_hmac_of_kind_profile_and_value() -> None:
    message = b"consortium/v1|email|1|dana@example.org"
    expected = hmac.new(KEY, message, hashlib.sha256).digest()
    assert HmacTokeniser(KEY, epoch=1).contact("email", ["dana@example.org"]) == [expected]


def test_a_composite_is_the_first_half() -> None:
    message = b"consortium/v1|name-birth|1|elizabeth|s53|1975-03-14"
    expected = hmac.new(KEY, message, hashlib.sha256).digest()[:16]
    tokens = HmacTokeniser(KEY, epoch=1).composite("name-birth", ["elizabeth|s53|1975-03-14"])
    assert tokens == [expected]


def test_tokens_keep_the_order_of_their_values() -> None:
    tokeniser = HmacTokeniser(KEY, epoch=1)
    values = ["b", "a", "b", ""]
    assert tokeniser.contact("phone", values) == [
        tokeniser.contact("phone", [value])[0] for value in values
    ]
    assert tokeniser.contact("phone", []) == []


def test_key_and_profile_change_every_token() -> None:
    one = HmacTokeniser(KEY, epoch=1)
    others = [
        HmacTokeniser(bytes(32), epoch=1),
        HmacTokeniser(KEY, epoch=1, profile=Profile(number=2)),
    ]
    for other in others:
        assert one.contact("email", ["a"]) != other.contact("email", ["a"])


def test_the_epoch_is_a_label_and_not_hashed() -> None:
    one, two = HmacTokeniser(KEY, epoch=1), HmacTokeniser(KEY, epoch=2)
    assert one.contact("email", ["a"]) == two.contact("email", ["a"])
    assert (one.epoch, two.epoch) == (1, 2)


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(KeyFailure):
        HmacTokeniser(bytes(size), epoch=1)


def test_a_kind_that_is_none_is_refused() -> None:
    tokeniser = HmacTokeniser(KEY, epoch=1)
    for kind in ("first-name", "", "name-birth", "email|1"):
        with pytest.raises(UsageError):
            tokeniser.contact(kind, ["a"])
    for kind in ("email", "phone", "birth-year"):
        with pytest.raises(UsageError):
            tokeniser.composite(kind, ["a"])


def test_the_tokeniser_shows_no_key() -> None:
    assert KEY.hex() not in repr(HmacTokeniser(KEY, epoch=1))


def test_it_is_a_tokeniser() -> None:
    tokeniser: Tokeniser = HmacTokeniser(KEY, epoch=7)
    assert tokeniser.epoch == 7


def test_kinds_hold_no_separator() -> None:
    assert not any("|" in kind for kind in CONTACT_KINDS | COMPOSITE_KINDS)


def test_composites_need_every_part() -> None:
    assert compose_name_birth("Beth", "Smith", "1975-03-14") == "elizabeth|s53|1975-03-14"
    assert compose_name_address("Beth", "Smith", "12", "97214") == "elizabeth|s53|12|97214"
    for first, last, birth in [
        ("", "Smith", "1975-03-14"),
        ("B.", "Smith", "1975-03-14"),
        ("Beth", "", "1975-03-14"),
        ("Beth", "Smith", ""),
        ("Beth", "Smith", "1975"),
        ("Beth", "Smith", "--03-14"),
    ]:
        assert compose_name_birth(first, last, birth) is None
    assert compose_name_address("Beth", "Smith", "", "97214") is None
    assert compose_name_address("Beth", "Smith", "12", "") is None


def test_a_column_of_composites_is_its_rows() -> None:
    firsts, lasts = ["Beth", "B.", "Beth"], ["Smith", "Lee", "Smith"]
    assert compose_name_birth_column(firsts, lasts, ["1975-03-14", "", "1975"]) == [
        "elizabeth|s53|1975-03-14",
        None,
        None,
    ]
    assert compose_name_address_column(firsts, lasts, ["1", "2", ""], ["97214"] * 3) == [
        "elizabeth|s53|1|97214",
        None,
        None,
    ]


def vector_profile() -> Profile:
    return Profile(
        number=VECTORS["profile"],
        dot_insensitive_domains=frozenset(VECTORS["dot_insensitive_domains"]),
    )


def test_published_e_mail_vectors_hold() -> None:
    profile = vector_profile()
    tokeniser = HmacTokeniser(bytes.fromhex(VECTORS["key"]), epoch=1, profile=profile)
    for vector in VECTORS["email"]:
        found = email.normalise(vector["raw"], profile)
        assert isinstance(found, Email), vector
        assert found == Email(vector["deliverable"], vector["canonical"], vector["role"])
        assert tokeniser.contact("email", [found.canonical])[0].hex() == vector["token"]


def test_published_phone_vectors_hold() -> None:
    tokeniser = HmacTokeniser(bytes.fromhex(VECTORS["key"]), epoch=1)
    for vector in VECTORS["phone"]:
        found = phone.normalise(vector["raw"], vector["region"])
        assert isinstance(found, Phone), vector
        assert found.e164 == vector["e164"]
        assert tokeniser.contact("phone", [found.e164])[0].hex() == vector["token"]


def test_published_composite_vectors_hold() -> None:
    tokeniser = HmacTokeniser(bytes.fromhex(VECTORS["key"]), epoch=1)
    compose = {"name-birth": compose_name_birth, "name-address": compose_name_address}
    for kind, composed in compose.items():
        for vector in VECTORS[kind]:
            assert composed(*vector["parts"]) == vector["value"]
            assert tokeniser.composite(kind, [vector["value"]])[0].hex() == vector["token"]


def test_published_refusals_hold() -> None:
    for vector in VECTORS["rejected"]:
        module = {"email": email, "phone": phone}[vector["kind"]]
        assert module.normalise(vector["raw"]) == Rejected(vector["code"])


def every_vector() -> list[tuple[str, str, str]]:
    """(kind, value, token) of each vector, as an independent implementation sees them."""
    return [
        *(("email", v["canonical"], v["token"]) for v in VECTORS["email"]),
        *(("phone", v["e164"], v["token"]) for v in VECTORS["phone"]),
        *(
            (kind, v["value"], v["token"])
            for kind in ("name-birth", "name-address")
            for v in VECTORS[kind]
        ),
    ]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_openssl_makes_the_same_tokens() -> None:
    for kind, value, token in every_vector():
        message = f"consortium/v1|{kind}|{VECTORS['profile']}|{value}".encode()
        made = subprocess.run(
            ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{VECTORS['key']}"],
            input=message,
            capture_output=True,
            check=True,
        ).stdout.decode()
        assert made.strip().rpartition(" ")[2].startswith(token)
