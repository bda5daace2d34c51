"""The malicious operator: holds every key of the host, changes the program, rewrites the past.

Most of what it could do cannot be prevented on its own machine; it is shown here, with what limits
it: owners' keys that were never there, signatures of partners, and checkpoints that others kept.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from consortium.errors import EvidenceError
from consortium.ledger import canonical, merkle, note
from consortium.model import Channel
from consortium.testing.keys import MemoryKeys
from consortium.testing.transport import MemoryTransport
from consortium.types import PartnerSlug, Pii
from consortium.vault import signed
from consortium.vault.keys import public_half
from consortium.vault.pack_file import PackReader
from consortium.vault.seal import Details, RowOpener, SealContext
from consortium.vault.wrap import open_owner_wrap
from tests.attack.exports import Exported, entries_of, exported, leaves_of, rewrite, verify
from tests.attack.stage import NAME, ORIGIN, Stage, people, person
from tests.attack.thief import plunder, rows_of, wraps_of


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported(tmp_path_factory.mktemp("operator"))


def _signer(export: Exported) -> note.Signer:
    keys = export.stage.host._context.keys
    return signed.ledger_signer(ORIGIN, ledger_key=keys.open("ledger"))


def _forge(export: Exported, target: Path, *, kept_size: bool) -> Path:
    """A history in which the nurses' list was larger than it was."""
    entries = [
        e.replace(b'"rows":"1-49"', b'"rows":"250-499"') if b"upload_added" in e else e
        for e in entries_of(export.directory)
    ]
    sizes = [export.kept[1], len(entries)] if kept_size else [len(entries)]
    return rewrite(
        export.directory,
        target,
        entries=entries,
        leaves={i: leaves_of(export.directory, i) for i in range(len(entries))},
        signer=_signer(export),
        origin=ORIGIN,
        sizes=sizes,
    )


def test_a_history_rewritten_and_signed_anew_verifies_alone(
    export: Exported, tmp_path: Path
) -> None:
    """Nothing inside an export can show this; the fingerprints are right as well."""
    forged = _forge(export, tmp_path / "forged", kept_size=True)
    done = verify(forged, told=export.told)
    assert done.returncode == 0, done.stdout + done.stderr
    assert entries_of(forged) != entries_of(export.directory)


def test_a_rewritten_history_is_found_with_a_checkpoint_that_a_partner_has_kept(
    export: Exported, tmp_path: Path
) -> None:
    text, size = export.kept
    forged = _forge(export, tmp_path / "forged", kept_size=True)
    assert (forged / f"checkpoints/{size}.txt").read_text() != text
    # two signed checkpoints of one size: evidence against whoever holds the ledger key
    (forged / f"checkpoints/{size}.txt").write_text(text)
    done = verify(forged)
    assert done.returncode == 3
    assert f"checkpoints/{size}.txt" in done.stdout + done.stderr


def test_a_kept_checkpoint_finds_it_even_if_the_export_shows_none_of_its_size(
    export: Exported, tmp_path: Path
) -> None:
    text, size = export.kept
    forged = _forge(export, tmp_path / "forged", kept_size=False)
    assert verify(forged).returncode == 0
    assert not (forged / f"checkpoints/{size}.txt").exists()
    (forged / f"checkpoints/{size}.txt").write_text(text)  # the partner puts its own there
    assert verify(forged).returncode == 3
    root = merkle.root(map(merkle.leaf_hash, entries_of(forged)[:size]))
    assert text.splitlines()[2] != base64.b64encode(root).decode()


def test_two_auditors_who_are_shown_different_histories_find_out_by_comparing(
    export: Exported, tmp_path: Path
) -> None:
    forged = _forge(export, tmp_path / "forged", kept_size=False)
    newest = max((export.directory / "checkpoints").iterdir(), key=lambda p: int(p.stem))
    assert verify(export.directory).returncode == verify(forged).returncode == 0
    assert (forged / "checkpoints" / newest.name).read_text() != newest.read_text()


def test_an_operator_cannot_put_other_words_into_a_partners_policy(
    export: Exported, tmp_path: Path
) -> None:
    """Documents are signed by their partners: a rewritten one needs the partner's key."""
    forged = Path(shutil.copytree(export.directory, tmp_path / "source"))
    [policy] = [
        p for p in (forged / "documents").glob("*.toml") if b'partner = "nurses"' in p.read_bytes()
    ]
    words = policy.read_bytes().replace(b'"each-campaign"', b'"standing"')
    digest = hashlib.sha256(words).hexdigest()
    entries = [e.replace(policy.stem.encode(), digest.encode()) for e in entries_of(forged)]
    assert entries != entries_of(forged)
    policy.unlink()
    (forged / "documents" / f"{digest}.toml").write_bytes(words)
    made = rewrite(
        forged,
        tmp_path / "forged",
        entries=entries,
        leaves={i: leaves_of(forged, i) for i in range(len(entries))},
        signer=_signer(export),
        origin=ORIGIN,
        sizes=[len(entries)],
    )
    done = verify(made)
    assert done.returncode == 3
    assert digest in done.stdout + done.stderr


def test_a_partner_invented_by_the_operator_is_found_with_fingerprints_told_outside(
    export: Exported, tmp_path: Path
) -> None:
    """With keys of its own in the partner's place, the operator can sign anything for it."""
    own = MemoryKeys.partner()
    old = next(c for c in export.stage.host.partners.list() if c.slug == "nurses")
    new = public_half("sign", own.open("sign")).hex()
    entries, replaced = [], {}
    signer = signed.partner_signer(PartnerSlug("nurses"), sign_key=own.open("sign"))
    directory = Path(shutil.copytree(export.directory, tmp_path / "source"))
    for entry in entries_of(directory):
        fields = json.loads(entry)
        if fields["kind"] == "partner_admitted" and fields["partner"] == "nurses":
            fields["sign_key"] = new
        if fields["kind"] == "policy_set" and fields["partner"] == "nurses":
            text = (directory / f"documents/{fields['digest']}.toml").read_text()
            whole = signed.sign_document("policy", text, origin=ORIGIN, signer=signer)
            fields["signature"] = note.signature_of(whole, signer.verifier).hex()
        if fields["kind"] == "campaign_answered" and fields["partner"] == "nurses":
            replaced[fields["digest"]] = True
            (directory / f"documents/{fields['digest']}.note").unlink()
        entries.append(canonical.encode(fields))
    assert replaced
    assert old.sign_key.hex() != new
    made = rewrite(
        directory,
        tmp_path / "forged",
        entries=entries,
        leaves={i: leaves_of(directory, i) for i in range(len(entries))},
        signer=_signer(export),
        origin=ORIGIN,
        sizes=[len(entries)],
    )
    assert verify(made).returncode == 0  # alone, it holds
    done = verify(made, told=export.told)
    assert done.returncode == 3
    assert "nurses" in done.stdout + done.stderr


def test_the_database_refuses_to_change_or_forget_an_entry_by_accident(export: Exported) -> None:
    """An operator can drop the triggers; a fault of the program or a slip cannot get past them."""
    with closing(sqlite3.connect(export.stage.home / "consortium.db")) as connection:
        for sql in (
            "UPDATE consortium_ledger_entry SET data = x'00' WHERE id = 3",
            "DELETE FROM consortium_ledger_entry WHERE id = 3",
            "UPDATE consortium_ledger_leaf SET data = x'00'",
            "DELETE FROM consortium_ledger_leaf",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(sql)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage.found(tmp_path)
    stage.admit("nurses")
    yield stage
    stage.host.close()


def test_an_entry_changed_in_the_database_is_found_in_the_next_export(
    stage: Stage, tmp_path: Path
) -> None:
    """Without the ledger key: somebody who writes to the database alone."""
    stage.host.ledger.checkpoint()
    with closing(sqlite3.connect(stage.home / "consortium.db")) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(
            "UPDATE consortium_ledger_entry SET data = CAST(replace(CAST(data AS TEXT), "
            "'\"version\":1', '\"version\":2') AS BLOB)"
        )
        connection.commit()
    stage.host.ledger.export(tmp_path / "export")
    done = verify(tmp_path / "export")
    assert done.returncode == 3


# --- what a malicious operator can do ---------------------------------------------------------


def test_whoever_keeps_a_packs_data_key_opens_its_rows_without_any_approval(
    stage: Stage,
) -> None:
    """Rows and their key are in memory at intake; the program forgets them, another would not."""
    packed = stage.pack("nurses", people(1, 11))
    upload = stage.host.uploads.add(packed)
    intake = stage.host._context.keys.open("intake")
    with PackReader.open(io.BytesIO(packed.read_bytes()), identity=intake) as reader:
        data_key = reader.header.data_key
    row = rows_of(stage.home)[0]
    opener = RowOpener(
        data_key,
        label="details",
        salt=row.data_salt,
        context=SealContext(ORIGIN, PartnerSlug("nurses"), upload.digest),
    )
    details = Details.decode(opener.open(row.details, number=row.number))
    assert details.emails[0].reveal() == person(1).email


def test_a_receiving_key_exchanged_in_the_database_gets_the_next_lists_key(stage: Stage) -> None:
    """Whoever writes to the database is as strong as the operator; the owner notices when its
    own key no longer opens the request for approval."""
    thief = MemoryKeys.partner()
    with closing(sqlite3.connect(stage.home / "consortium.db")) as connection:
        connection.execute(
            "UPDATE consortium_partner SET receive_key = ?",
            (public_half("receive", thief.open("receive")),),
        )
        connection.commit()
    upload = stage.host.uploads.add(stage.pack("nurses", people(1, 61)))
    [(_, wrap)] = wraps_of(stage.home)
    assert open_owner_wrap(
        wrap,
        key=thief.open("receive"),
        origin=ORIGIN,
        owner=PartnerSlug("nurses"),
        upload=upload.digest,
    )
    stage.host.merge()
    stage.host.campaigns.create(stage.campaign())
    with pytest.raises(EvidenceError):
        stage.approval("nurses")


def test_during_an_approval_the_operator_can_open_rows_that_get_no_message(stage: Stage) -> None:
    """An approval is the key to all rows of the lists it names, not to those of the audience."""
    stage.host.uploads.add(stage.pack("nurses", [*people(1, 61)]))
    stage.host.merge()
    for listed in people(1, 6):
        stage.host.optouts.add(Pii(listed.email))
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses")
    assert stage.host.campaigns.plan(NAME).new_messages == 55
    keys = stage.host._context.keys
    names = ("token-1", "match", "vault", "intake", "ledger", "coordinator")
    loot = plunder(stage.home, {name: keys.open(name) for name in names}, origin=ORIGIN)
    assert len(loot.details["nurses"]) == 60


def test_the_operator_can_write_opt_outs_that_nobody_asked_for_and_the_ledger_says_when(
    stage: Stage,
) -> None:
    before = stage.host.ledger.size
    stage.host.optouts.add(Pii(person(1).email))
    assert stage.host.optouts.check(Pii(person(1).email)).banned(Channel.EMAIL)
    assert stage.host.ledger.size == before + 1


def test_the_mail_server_reads_every_message_it_is_handed(stage: Stage) -> None:
    stage.host.uploads.add(stage.pack("nurses", people(1, 61)))
    stage.host.merge()
    stage.host.campaigns.create(stage.campaign())
    stage.approve("nurses")
    stage.host.campaigns.plan(NAME)
    transport = MemoryTransport()
    stage.send(transport=transport)
    envelope = transport.taken[0]
    assert "@people.example.org" in envelope.recipient.reveal()
    assert b"Given" in envelope.data


def test_a_partner_that_compares_fingerprints_does_not_approve_for_another_vault(
    stage: Stage, tmp_path: Path
) -> None:
    """The vault's key is taken from the card that the partner joined by, never from a request."""
    other = Stage.found(tmp_path / "other", origin=ORIGIN)
    assert other.host.card.fingerprint != stage.host.card.fingerprint
    stage.host.uploads.add(stage.pack("nurses", people(1, 61)))
    stage.host.merge()
    stage.host.campaigns.create(stage.campaign())
    asked = stage.host.campaigns.request(NAME, "nurses")
    assert public_half("vault", other.host._context.keys.open("vault")).hex() not in asked
    assert "vault" not in json.loads(asked.split("\n")[1])
