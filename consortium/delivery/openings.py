"""Opening one recipient's details, with what the owner's approval has handed over.

A data key is unwrapped once per run and upload, kept in memory and used for one row at a time. The
address is taken from the opened row only if its token is that of the contact point for which the
message was decided: whatever was moved or exchanged in the database, nobody else gets a message.
"""

from __future__ import annotations

from collections.abc import Sequence

from consortium.delivery.owners import May
from consortium.errors import EvidenceError
from consortium.store.rows import SealedRow
from consortium.tokens import PROFILE, Email, Profile, Tokeniser, email
from consortium.types import PartnerSlug, Pii, Token
from consortium.vault.seal import Details, RowOpener, SealContext
from consortium.vault.wrap import open_vault_wrap
from consortium.vault.wraps import WrapStore

__all__ = ["Openings"]


class Openings:
    """The opened uploads of one run.

    Args:
        origin: The consortium's identity.
        vault_key: The private vault key, 32 raw bytes.
        wraps: Where the wraps lie.
        tokenisers: One per key epoch ever used.
        profile: The normalisation profile of the tokens.
    """

    def __init__(
        self,
        *,
        origin: str,
        vault_key: bytes,
        wraps: WrapStore,
        tokenisers: Sequence[Tokeniser],
        profile: Profile = PROFILE,
    ) -> None:
        self._origin = origin
        self._vault_key = vault_key
        self._wraps = wraps
        self._tokenisers = tuple(tokenisers)
        self._profile = profile
        self._openers: dict[tuple[int, str], RowOpener | None] = {}
        self._proven: set[tuple[int, str]] = set()

    def can_open(self, sealed: SealedRow, *, owner: PartnerSlug, may: May) -> bool:
        """Whether the owner's wrap for this row's upload is there and opens."""
        return self._opener(sealed, owner, may) is not None

    def details(self, sealed: SealedRow, *, owner: PartnerSlug, may: May) -> Details:
        """One row's details.

        Raises:
            EvidenceError: They do not open, or are not of this version.
        """
        opener = self._opener(sealed, owner, may)
        if opener is None:
            raise EvidenceError("there is no wrap that opens this row")
        details = Details.decode(opener.open(sealed.details, number=sealed.number))
        self._proven.add((sealed.upload_id, may.purpose))
        return details

    def has_opened(self, sealed: SealedRow, *, may: May) -> bool:
        """Whether any row of the upload has opened in this run: then its key is the right one."""
        return (sealed.upload_id, may.purpose) in self._proven

    def address(self, details: Details, token: Token) -> Pii | None:
        """The one of the row's e-mail addresses that a token stands for; None: none of them."""
        for candidate in details.emails:
            if token in self.tokens(candidate):
                return candidate
        return None

    def tokens(self, address: Pii) -> list[Token]:
        """An address's tokens under every key epoch."""
        normal = email.normalise(address.reveal(), self._profile)
        if not isinstance(normal, Email):
            return []
        return [t for each in self._tokenisers for t in each.contact("email", [normal.canonical])]

    @property
    def epochs(self) -> int:
        """How many key epochs there are."""
        return len(self._tokenisers)

    def _opener(self, sealed: SealedRow, owner: PartnerSlug, may: May) -> RowOpener | None:
        key = (sealed.upload_id, may.purpose)
        if key not in self._openers:
            self._openers[key] = self._unwrap(sealed, owner, may)
        return self._openers[key]

    def _unwrap(self, sealed: SealedRow, owner: PartnerSlug, may: May) -> RowOpener | None:
        try:
            wrapped = self._wraps.get(may.scope, upload=sealed.upload)
            if wrapped is None:
                return None
            data_key = open_vault_wrap(
                wrapped,
                key=self._vault_key,
                origin=self._origin,
                owner=owner,
                upload=sealed.upload,
                purpose=may.purpose,
            )
        except EvidenceError:
            return None  # damaged, or given for something else: the owner has to approve again
        context = SealContext(self._origin, owner, sealed.upload)
        return RowOpener(data_key, label="details", salt=sealed.data_salt, context=context)
