"""Secret keys: where they come from, and how they rest on disk.

Everything that needs a secret asks a `KeyProvider` by name and never sees a file. Host keys:
`token-1` (32 bytes, one per token key epoch), `match` (32 bytes), `vault` (X25519), `intake` (an
age identity), `ledger` and `coordinator` (Ed25519). A partner's: `sign` (Ed25519) and `receive`
(X25519).

`PassphraseKeys` keeps one file per key, mode 0600: a header line, then the secret under AES-256-GCM
with a key that Argon2id makes of the passphrase (RFC 9106, second recommended profile: 3 passes,
64 MiB, 4 lanes). The header, which names the key, is associated data, so that one key's file
never passes for another's. A wrong passphrase and a damaged secret look the same on purpose.
Opening costs about 0.3 s and 64 MiB, so that each key is opened once per process.

Format: docs/formats/key-files.md.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from consortium.errors import KeyFailure, UsageError
from consortium.vault import age, files

__all__ = [
    "HOST_KEYS",
    "PARTNER_KEYS",
    "KeyProvider",
    "PassphraseKeys",
    "create",
    "fresh_secret",
    "public_half",
]

HOST_KEYS: Final = ("token-1", "match", "vault", "intake", "ledger", "coordinator")
PARTNER_KEYS: Final = ("sign", "receive")

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_VERSION = 1
_PASSES, _MEMORY_KIB, _LANES = 3, 64 * 1024, 4  # RFC 9106 section 4, second recommended option
_MAX_FILE_BYTES = 4096


class KeyProvider(Protocol):
    """Hands out secrets by name; a KMS or a smart card can stand behind it."""

    def open(self, name: str) -> bytes:
        """The secret called `name`.

        Raises:
            KeyFailure: There is no such key, or it cannot be opened.
        """
        ...


class PassphraseKeys:
    """Keys in passphrase-protected files, opened once and kept in memory.

    Args:
        directory: Where the files `NAME.key` lie.
        passphrase: Asked with the key's name, once for each key that is opened; raises to give up.
            Whether it prompts, reads a file or the environment is the caller's matter.
    """

    def __init__(self, directory: Path, passphrase: Callable[[str], str]) -> None:
        self._directory = directory
        self._passphrase = passphrase
        self._opened: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def open(self, name: str) -> bytes:
        """The secret called `name`; slow the first time.

        Raises:
            KeyFailure: The file is missing, damaged, readable by others or of another version, or
                the passphrase is wrong.
        """
        with self._lock:
            if name not in self._opened:
                header, sealed = _read(self._directory, name)
                self._opened[name] = _unseal(name, header, sealed, self._passphrase(name))
            return self._opened[name]

    def __repr__(self) -> str:
        return f"PassphraseKeys({str(self._directory)!r})"


def create(directory: Path, *, name: str, secret: bytes, passphrase: str) -> Path:
    """Write a new key file; an existing one is never touched.

    Args:
        directory: Made with mode 0700 if missing.
        name: Lower-case letters, digits and hyphens.
        secret: The bytes to protect, at most 1024.
        passphrase: Not empty.

    Returns:
        The file's path.

    Raises:
        UsageError: The name or the passphrase will not do.
        KeyFailure: The key exists already, or the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f'"{name}" is not a name for a key', hint="Use a-z, 0-9 and hyphens.")
    if not passphrase:
        raise UsageError("a key needs a passphrase", hint="Give one of several words.")
    if not 0 < len(secret) <= 1024:  # noqa: PLR2004 - the documented bound
        raise UsageError(f"the secret for the key {name} is empty or too long")
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    header = _header(name, salt, nonce)
    sealed = AESGCM(_stretch(passphrase, salt)).encrypt(nonce, secret, header)
    path = directory / f"{name}.key"
    try:
        files.create_private(path, header + b"\n" + base64.b64encode(sealed) + b"\n")
    except FileExistsError as error:
        raise KeyFailure(
            f"the key {name} exists already", hint="Keys are never overwritten; move it away first."
        ) from error
    except OSError as error:
        raise KeyFailure(
            f"the key {name} cannot be written", hint="Check owner and mode of its folder."
        ) from error
    return path


def fresh_secret(name: str) -> bytes:
    """A new random secret of the kind that the key `name` holds (see the module's docstring)."""
    return age.new_identity() if name == "intake" else secrets.token_bytes(32)


def public_half(name: str, secret: bytes) -> bytes:
    """The public half of an asymmetric key: 32 raw bytes, for `intake` the recipient's text.

    Raises:
        KeyFailure: The secret is not of the kind that `name` holds.
        UsageError: Keys of that name have no public half.
    """
    try:
        match name:
            case "vault" | "receive":
                return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
            case "ledger" | "coordinator" | "sign":
                return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
            case "intake":
                return age.recipient_of(secret).encode()
            case _:
                raise UsageError(f"a key called {name} has no public half")
    except ValueError as error:
        raise KeyFailure(f"the key {name} is not of the right kind") from error


def _header(name: str, salt: bytes, nonce: bytes) -> bytes:
    """One line of JSON in a fixed order; nothing in it is open to choice but salt and nonce."""
    fields = {
        "consortium_key": _VERSION,
        "name": name,
        "kdf": "argon2id",
        "passes": _PASSES,
        "memory_kib": _MEMORY_KIB,
        "lanes": _LANES,
        "salt": base64.b64encode(salt).decode(),
        "nonce": base64.b64encode(nonce).decode(),
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def _stretch(passphrase: str, salt: bytes) -> bytes:
    kdf = Argon2id(salt=salt, length=32, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KIB)
    return kdf.derive(passphrase.encode("utf-8", "surrogateescape"))


def _read(directory: Path, name: str) -> tuple[bytes, bytes]:
    """Header line and sealed secret of a key file."""
    if not _NAME.fullmatch(name):
        raise KeyFailure("a key was asked for by something that is no key's name")
    path = directory / f"{name}.key"
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise KeyFailure(
            f"there is no key called {name}", hint=f"Looked for {name}.key in {directory}"
        ) from error
    except OSError as error:
        raise KeyFailure(
            f"the key {name} cannot be read", hint=f"Check owner and mode of {path}"
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFailure(
            f"the key {name} can be read by other users", hint=f"Make it private: chmod 600 {path}"
        )
    header, _, rest = data.partition(b"\n")
    try:
        fields = json.loads(header)
        if fields["consortium_key"] != _VERSION:
            raise KeyFailure(
                f"the key {name} is of a version this program does not know",
                hint="Use the version of consortium that made it, or a newer one.",
            )
        salt, nonce = (base64.b64decode(fields[f], validate=True) for f in ("salt", "nonce"))
        sealed = base64.b64decode(rest.removesuffix(b"\n"), validate=True)
        stored_name = fields["name"]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(name) from error
    if stored_name != name:
        raise KeyFailure(
            f"the file {name}.key holds another key", hint="Key files must keep their names."
        )
    if len(nonce) != 12 or header != _header(name, salt, nonce) or len(data) > _MAX_FILE_BYTES:  # noqa: PLR2004 - GCM's nonce
        raise _damaged(name)
    return header, sealed


def _damaged(name: str) -> KeyFailure:
    return KeyFailure(f"the key {name} is damaged", hint="Restore its file from a backup.")


def _unseal(name: str, header: bytes, sealed: bytes, passphrase: str) -> bytes:
    fields = json.loads(header)
    salt, nonce = (base64.b64decode(fields[f]) for f in ("salt", "nonce"))
    try:
        return AESGCM(_stretch(passphrase, salt)).decrypt(nonce, sealed, header)
    except (InvalidTag, ValueError) as error:
        raise KeyFailure(
            f"the key {name} does not open: wrong passphrase, or a damaged file",
            hint="Try the passphrase again; a damaged file is restored from a backup.",
        ) from error
