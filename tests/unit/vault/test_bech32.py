"""Our spelling of age keys is age's own."""

from __future__ import annotations

import io

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from consortium.vault import age, bech32


@pytest.mark.parametrize(
    ("prefix", "data", "text"),
    [  # BIP 173, "Test vectors", those without data
        ("a", b"", "a12uel5l"),
        (
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio",
            b"",
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
        ),
    ],
)
def test_the_vectors_of_the_standard_hold(prefix: str, data: bytes, text: str) -> None:
    assert bech32.encode(prefix, data) == text


@given(st.binary(min_size=32, max_size=32))
def test_age_reads_our_keys_as_the_same_pair(private: bytes) -> None:
    identity = age.identity_of_key(private)
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    assert age.recipient_of(identity) == age.recipient_of_key(public)


def test_a_file_for_two_recipients_opens_for_each_of_them_and_for_nobody_else() -> None:
    host, stranger = age.new_identity(), age.new_identity()
    private = X25519PrivateKey.generate()
    owner = age.identity_of_key(private.private_bytes_raw())
    stream = io.BytesIO()
    to = [age.recipient_of(host), age.recipient_of_key(private.public_key().public_bytes_raw())]
    age.encrypt([b"x" * age.CHUNK], stream, recipients=to)
    for identity in (host, owner):
        opened = b"".join(age.decrypt(io.BytesIO(stream.getvalue()), identity=identity))
        assert opened == b"x" * age.CHUNK
    with pytest.raises(age.AgeFailure) as caught:
        b"".join(age.decrypt(io.BytesIO(stream.getvalue()), identity=stranger))
    assert caught.value.cause is age.Cause.OTHER_RECIPIENT


def test_age_itself_writes_the_same_text() -> None:
    identity = pyrage.x25519.Identity.generate()
    text = str(identity)
    assert text == text.upper()
    assert age.recipient_of(text.encode()) == str(identity.to_public())
