"""The partner's desk: everything a partner does on its own machine, with its own keys.

Nothing here needs the host or a database, and lists are checked and packed without loading one.
What leaves the machine is a file that the partner hands over: its card, a signed policy, an
encrypted pack, a signed answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from consortium.app import homes
from consortium.app.keyring import profile_of
from consortium.app.lists import ListOptions, check_without_home, write_mapping
from consortium.app.rules import read_policy, refuse_expired
from consortium.clock import Clock
from consortium.config import PartnerSettings
from consortium.errors import HomeError, StateConflict, UsageError
from consortium.model import Channel, ConsortiumCard, Observer, PartnerCard, Silent
from consortium.pack import (
    CheckReport,
    PackDiff,
    PackResult,
    Stated,
)
from consortium.pack import diff as diff_packs
from consortium.pack import pack as pack_list
from consortium.types import PartnerSlug
from consortium.vault import cards, signed
from consortium.vault.keys import KeyProvider

if TYPE_CHECKING:
    from consortium.app.own_rows import OwnRows
    from consortium.campaign import Request, Review
    from consortium.feedback import OptOutTable, OwnOptOut

__all__ = ["PartnerDesk"]

_CONSORTIUM = "consortium.card"
_NOTHING = ListOptions()


class PartnerDesk:
    """A partner's home, open.

    Args:
        home: The folder.
        settings: Its `partner.toml`.
        keys: Where the two secrets come from.
        clock: What time it is.
        observer: Told of progress.
    """

    def __init__(
        self,
        home: Path,
        *,
        settings: PartnerSettings,
        keys: KeyProvider,
        clock: Clock,
        observer: Observer | None = None,
    ) -> None:
        self.home = home
        self.settings = settings
        self._keys = keys
        self._clock = clock
        self._observer = observer or Silent()

    @property
    def slug(self) -> PartnerSlug:
        """The partner's short name."""
        return PartnerSlug(self.settings.slug)

    @property
    def card(self) -> PartnerCard:
        """The partner's public card."""
        return cards.partner_card(
            self._keys,
            slug=self.slug,
            name=self.settings.name,
            postal_address=self.settings.postal_address,
            from_address=self.settings.from_address,
            firewall_group=self.settings.firewall_group,
        )

    @property
    def card_file(self) -> Path:
        """Where the public card lies."""
        return self.home / f"{self.slug}.card"

    def card_text(self) -> str:
        """The public card, as the host takes it."""
        return cards.encode_partner(self.card, sign_key=self._keys.open("sign"))

    def read_consortium_card(self, text: str) -> ConsortiumCard:
        """A consortium's card, to show its fingerprint before anything is done.

        Raises:
            BadFile: Not a consortium's card.
            EvidenceError: Altered after it was made.
        """
        return cards.decode_consortium(text)

    def join(self, card: str) -> ConsortiumCard:
        """Keep the card of the consortium to pack and sign for; compare its fingerprint first.

        Raises:
            BadFile, EvidenceError: As `read_consortium_card`.
            StateConflict: Another consortium was joined from this home.
        """
        read = self.read_consortium_card(card)
        file = self.home / _CONSORTIUM
        if file.exists():
            if self.consortium == read:
                return read
            raise StateConflict(
                f"this home has joined {self.consortium.origin} already",
                hint="Make another home for another consortium, or one whose keys have changed.",
            )
        homes.write_file(file, card)
        return read

    @property
    def consortium(self) -> ConsortiumCard:
        """The consortium that was joined.

        Raises:
            HomeError: None was.
        """
        file = self.home / _CONSORTIUM
        if not file.exists():
            raise HomeError(
                "this partner has not joined a consortium", hint="consortium partner join CARD"
            )
        return cards.decode_consortium(homes.read_file(file))

    @property
    def own_rows(self) -> OwnRows:
        """What this partner says of its own rows that were taken for one person."""
        from consortium.app import own_rows  # noqa: PLC0415 - loads what merging needs

        return own_rows.OwnRows(self.slug, card=self.consortium, keys=self._keys, clock=self._clock)

    def sign_policy(self, text: str, *, name: str = "the policy") -> str:
        """Sign a policy document for the consortium that was joined.

        Raises:
            DocumentError: It is malformed or says something it may not; with line.
            UsageError: It is another partner's, or its last day has passed.
        """
        read = read_policy(text, name=name)
        if read.partner != self.slug:
            raise UsageError(
                f"{name} is the policy of {read.partner}, and this is the home of {self.slug}",
                hint=f'Write partner = "{self.slug}", or sign it in the other home.',
            )
        refuse_expired(read, name=name, now=self._clock.now())
        return signed.sign_document(
            "policy",
            text,
            origin=self.consortium.origin,
            signer=signed.partner_signer(self.slug, sign_key=self._keys.open("sign")),
        )

    def check(self, path: Path, *, options: ListOptions = _NOTHING) -> CheckReport:
        """What is in a list and what packing it would attest. Nothing leaves the machine."""
        joined = (self.home / _CONSORTIUM).exists()
        return check_without_home(
            path,
            options=options,
            today=self._clock.now().date(),
            region=self.settings.region,
            observer=self._observer,
            profile=profile_of(self.consortium) if joined else None,
        )

    def write_mapping(self, path: Path, *, to: Path, options: ListOptions = _NOTHING) -> None:
        """Write what is recognised in a list as a mapping; see `consortium.app.write_mapping`."""
        write_mapping(path, to=to, options=options, region=self.settings.region)

    def pack(
        self,
        path: Path,
        *,
        list_name: str,
        obtained_on: date,
        out: Path,
        expires_on: date | None = None,
        standing: bool = False,
        replace: bool = False,
        options: ListOptions = _NOTHING,
    ) -> PackResult:
        """Check, normalise, sign and encrypt a list for the consortium that was joined.

        Args:
            path: The export.
            list_name: What the partner calls the list.
            obtained_on: The day the export was made.
            out: Where to write the pack; whole or not at all.
            expires_on: The last day on which the host may use it.
            standing: Let the host open the rows without an approval per campaign; only where the
                partner's policy says `approval = "standing"`.
            replace: Write over an existing pack.
            options: Mapping, statements and where rejected rows go.

        Raises:
            BadFile: The list cannot be read or has nothing usable in it.
            UsageError: A date or a statement will not do.
        """
        return self._pack(
            path,
            list_name=list_name,
            obtained_on=obtained_on,
            out=out,
            expires_on=expires_on,
            standing=standing,
            replace=replace,
            options=options,
            stated=options.stated(),
        )

    def _pack(
        self,
        path: Path,
        *,
        list_name: str,
        obtained_on: date,
        out: Path,
        replace: bool,
        options: ListOptions,
        stated: Stated | None,
        expires_on: date | None = None,
        standing: bool = False,
    ) -> PackResult:
        return pack_list(
            path,
            list_name=list_name,
            obtained_on=obtained_on,
            card=self.consortium,
            partner=self.slug,
            sign_key=self._keys.open("sign"),
            receive_key=self.card.receive_key,
            out=out,
            now=self._clock.now(),
            expires_on=expires_on,
            mapping=options.read_mapping(),
            region=self.settings.region,
            stated=stated,
            standing=standing,
            problems_to=options.problems_to,
            replace=replace,
            observer=self._observer,
        )

    def pack_opt_outs(
        self,
        path: Path,
        *,
        list_name: str,
        obtained_on: date,
        out: Path,
        channels: Collection[Channel] = frozenset(Channel),
        replace: bool = False,
        options: ListOptions = _NOTHING,
    ) -> PackResult:
        """Sign and encrypt a list of people who have opted out of this partner's messages.

        Everybody in it has, whatever its columns say; names and places are not sent.

        Args:
            path: A list in any form that `pack` takes.
            list_name, obtained_on, out, replace: As for `pack`.
            channels: Of what they want no more; columns of other channels are not read.
            options: Mapping, and where rejected rows go.

        Raises:
            BadFile: It cannot be read or has nobody in it that could be blocked.
            UsageError: A date will not do.
        """
        said = options.stated() or Stated()
        return self._pack(
            path,
            list_name=list_name,
            obtained_on=obtained_on,
            out=out,
            replace=replace,
            options=options,
            stated=dataclasses.replace(said, refused=frozenset(channels)),
        )

    def diff(self, older: Path, newer: Path) -> PackDiff:
        """What has changed between two packs of this partner, to be looked at before replacing.

        Raises:
            BadFile: One cannot be read or is no pack of this partner.
            EvidenceError: One was altered.
        """
        return diff_packs(
            older,
            newer,
            partner=self.slug,
            receive_key=self._keys.open("receive"),
            sign_public=self.card.sign_key,
            origin=self.consortium.origin,
        )

    def open_opt_outs(self, text: str) -> list[OwnOptOut]:
        """Which of this partner's own records have opted out, from the file that the host made.

        Raises:
            BadFile, UsageError: It is another kind of file, or for another partner.
            EvidenceError: Not signed by the consortium, or altered.
        """
        from consortium import feedback  # noqa: PLC0415 - loads the store

        return feedback.open_told(
            text,
            partner=self.slug,
            card=self.consortium,
            receive_key=self._keys.open("receive"),
        )

    def write_opt_outs(self, text: str, *, shape: str = "plain") -> OptOutTable:
        """The same as a CSV file in the shape of this partner's own system.

        Args:
            text: The file that the host made.
            shape: Which system (docs/formats/opt-outs.md).

        Raises:
            UsageError: No such shape.
            EvidenceError: As `open_opt_outs`.
        """
        from consortium import feedback  # noqa: PLC0415 - loads the store

        return feedback.as_table(self.open_opt_outs(text), shape=feedback.shape(shape))

    def review(self, request: str) -> Review:
        """What a request asks, with the message as made-up people would get it.

        Raises:
            EvidenceError: Not signed by the coordinator of the consortium, or altered.
            UsageError: It is for another partner.
        """
        from consortium import campaign  # noqa: PLC0415 - loads the store

        return campaign.review(request, partner=self.card, card=self.consortium)

    def approve(self, request: str, *, ceiling: int | None = None) -> str:
        """A signed yes, with the keys that let the host open this partner's rows until the end.

        Args:
            request: What the host handed over.
            ceiling: The most messages it covers; None: what the request asks.

        Raises:
            EvidenceError: Not signed by the coordinator of the consortium, or altered.
            UsageError: It is for another partner, or the ceiling will not do.
        """
        from consortium import campaign  # noqa: PLC0415 - loads the store

        return campaign.approve(
            self._request(request),
            receive_key=self._keys.open("receive"),
            sign_key=self._keys.open("sign"),
            card=self.consortium,
            now=self._clock.now(),
            ceiling=ceiling,
        )

    def decline(self, request: str, *, reason: str) -> str:
        """A signed no.

        Raises:
            EvidenceError: Not signed by the coordinator of the consortium, or altered.
            UsageError: It is for another partner.
        """
        from consortium import campaign  # noqa: PLC0415 - loads the store

        return campaign.decline(
            self._request(request),
            reason=reason,
            sign_key=self._keys.open("sign"),
            card=self.consortium,
            now=self._clock.now(),
        )

    def _request(self, text: str) -> Request:
        from consortium import campaign  # noqa: PLC0415 - loads the store

        return campaign.open_request(text, partner=self.slug, card=self.consortium)
