"""Never-merge pairs in both databases: kept, held to by every merge, said by who may."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consortium.errors import EvidenceError, NotFound, StateConflict, UsageError
from consortium.identity import decisions, judging, merge
from consortium.identity.decisions import Decided
from consortium.ledger import canonical, commit
from consortium.model import ConsortiumCard
from consortium.store import decisions as kept
from consortium.store import ledger, merge_basis, merges, state
from consortium.store.engine import Database
from consortium.store.merge_basis import Basis
from consortium.store.tables import metadata
from consortium.types import PartnerSlug, UploadDigest
from tests.unit.identity.world import MATCH_KEY, ORIGIN, World, row

DECISION = metadata.tables["consortium_never_decision"]
PARTNER = metadata.tables["consortium_partner"]
FATHER = row("john", "smith", emails=(1,), phones=(101,))
SON = row("john", "smith", emails=(2,), phones=(101,))
BRIDGE = row("john", "smith", emails=(1, 2), phones=(101,))


@pytest.fixture
def world(database: Database) -> World:
    return World.begin(database)


def never(world: World, one: str, other: str) -> Decided:
    return decisions.say_never(world.database, one, other, clock=world.clock)


def apart(world: World, one: tuple[int, int], other: tuple[int, int]) -> bool:
    return not any({one, other} <= person for person in world.persons())


def test_two_rows_said_to_be_two_people_are_so_from_the_next_merge_on(world: World) -> None:
    upload = world.upload([FATHER, SON])
    world.merge()
    assert not apart(world, (upload, 1), (upload, 2))
    decided = never(world, "u-0001:1", "u-0001:2")
    assert (decided.pairs, decided.known) == (1, 0)
    assert not apart(world, (upload, 1), (upload, 2))  # persons are those of the last merge
    result = world.merge()
    assert apart(world, (upload, 1), (upload, 2))
    assert (result.changed_rows, result.persons) == (2, 2)
    assert world.merge().entry is None
    assert world.merge(full=True).changed_rows == 0


def test_no_bridge_of_further_rows_outweighs_it(world: World) -> None:
    upload = world.upload([FATHER, SON])
    never(world, "u-0001:1", "u-0001:2")
    for _ in range(3):
        world.upload([BRIDGE, FATHER, SON], partner="p2")
        world.merge()
        assert apart(world, (upload, 1), (upload, 2))
    assert world.merge(full=True).changed_rows == 0


def test_it_outlives_a_withdrawal_and_holds_for_the_same_rows_of_the_next_export(
    world: World,
) -> None:
    first = world.upload([FATHER, SON])
    never(world, "u-0001:1", "u-0001:2")
    world.merge()
    world.withdraw(first)
    world.erase(first)
    world.merge()
    again = world.upload([row("mary", "jones", emails=(9,)), SON, FATHER])
    world.merge()
    assert apart(world, (again, 2), (again, 3))


def test_it_holds_between_an_old_list_and_a_new_one(world: World) -> None:
    first = world.upload([FATHER, SON])
    never(world, "u-0001:1", "u-0001:2")
    second = world.upload([FATHER, SON])
    world.merge()
    assert apart(world, (first, 1), (second, 2))
    assert apart(world, (second, 1), (first, 2))
    assert not apart(world, (first, 1), (second, 1))


def test_it_says_nothing_of_other_owners_rows_that_say_the_same(world: World) -> None:
    own = world.upload([FATHER, SON])
    never(world, "u-0001:1", "u-0001:2")
    other = world.upload([FATHER, SON], partner="p2")
    world.merge()
    assert apart(world, (own, 1), (own, 2))
    world.withdraw(own)
    world.merge()
    assert not apart(world, (other, 1), (other, 2))


def test_two_rows_that_say_exactly_the_same_are_kept_apart_as_themselves(world: World) -> None:
    upload = world.upload([FATHER, FATHER, FATHER])
    world.merge()
    never(world, "u-0001:1", "u-0001:3")
    world.merge()
    assert apart(world, (upload, 1), (upload, 3))


def test_splitting_keeps_the_named_rows_together_and_the_others_away(world: World) -> None:
    upload = world.upload([FATHER, SON, BRIDGE, FATHER])
    world.merge()
    decided = decisions.split(world.database, ["u-0001:2", "u-0001:3"], clock=world.clock)
    assert decided.pairs == 4
    world.merge()
    assert world.persons() == {
        frozenset({(upload, 1), (upload, 4)}),
        frozenset({(upload, 2), (upload, 3)}),
    }


def test_saying_it_again_changes_nothing(world: World) -> None:
    world.upload([FATHER, SON])
    never(world, "u-0001:1", "u-0001:2")
    with world.database.read() as tx:
        size = ledger.size(tx)
    assert never(world, "u-0001:2", "u-0001:1") == Decided(0, 1, None)
    with world.database.read() as tx:
        assert ledger.size(tx) == size
        assert len(kept.all_of(tx)) == 1


def test_the_ledger_commits_to_both_rows_and_names_neither(world: World) -> None:
    world.upload([FATHER, SON])
    entry = never(world, "u-0001:1", "u-0001:2").entry
    assert entry is not None
    with world.database.read() as tx:
        said = canonical.decode(ledger.entry(tx, entry))
        [leaf] = [canonical.decode(data) for data in ledger.leaves(tx, entry)]
        [secret] = tx.execute(DECISION.select().with_only_columns(DECISION.c.secret)).scalars()
        [pair] = kept.pairs(tx)
        [listed] = kept.all_of(tx)
    assert (said["kind"], said["by"], said["partner"]) == ("never_merge_added", "operator", None)
    assert (listed.said_by, listed.pairs, listed.entry) == ("operator", 1, entry)
    for side, (upload, number) in zip(("one", "other"), pair.sources, strict=True):
        salt = commit.leaf_salt(bytes(secret), purpose=side, number=1)
        assert leaf[side] == commit.row_commitment(salt, upload=upload, row=number)
        assert upload.hex() not in str((said, leaf))


@pytest.mark.parametrize(
    ("one", "other", "error"),
    [
        ("u-0001:1", "u-0001:1", UsageError),
        ("u-0001:1", "u-0001:99", NotFound),
        ("u-0001:1", "u-0009:1", NotFound),
        ("u-0001:1", "dana@example.org", UsageError),
        ("u-0001:1", "u-0001:0", UsageError),
        ("u-0001:1", "u-0002:1", UsageError),  # of two firewall groups
    ],
)
def test_what_are_not_two_rows_that_could_meet_is_refused(
    world: World, one: str, other: str, error: type[Exception]
) -> None:
    world.upload([FATHER, SON])
    world.upload([FATHER], partner="q1")
    with pytest.raises(error) as caught:
        never(world, one, other)
    assert "dana" not in str(caught.value)
    with world.database.read() as tx:
        assert ledger.size(tx) == 0


def test_rows_of_two_persons_or_all_of_one_cannot_be_split(world: World) -> None:
    world.upload([FATHER, SON, row("mary", "jones", emails=(9,))])
    world.merge()
    with pytest.raises(UsageError):
        decisions.split(world.database, ["u-0001:1", "u-0001:3"], clock=world.clock)
    with pytest.raises(StateConflict):
        decisions.split(world.database, ["u-0001:1", "u-0001:2"], clock=world.clock)


def test_showing_a_person_lists_its_rows(world: World) -> None:
    world.upload([FATHER, SON])
    world.upload([BRIDGE], partner="p2")
    world.merge()
    found = decisions.person_of(world.database, "u-0001:2")
    assert [(r.upload, r.source[1], r.owner) for r in found] == [
        ("u-0001", 1, "p1"),
        ("u-0001", 2, "p1"),
        ("u-0002", 1, "p2"),
    ]


def test_a_decision_that_comes_while_a_merge_writes_is_held_to_before_it_is_shown(
    world: World,
) -> None:
    upload = world.upload([FATHER, SON])
    said: list[Decided] = []

    class SaysSo:
        """Decides in the middle of the first writing."""

        def begin(self, what: str, total: int | None) -> None:
            if what == "writing persons" and not said:
                said.append(never(world, "u-0001:1", "u-0001:2"))

        def advance(self, by: int = 1) -> None:
            pass

        def end(self) -> None:
            pass

    merge.run(
        world.database,
        match_opener=judging.match_opener(MATCH_KEY),
        clock=world.clock,
        observer=SaysSo(),
    )
    assert said
    assert apart(world, (upload, 1), (upload, 2))
    assert world.merge(full=True).changed_rows == 0


# An owner's signed word


SECRET = bytes(range(32))


def card() -> ConsortiumCard:
    return ConsortiumCard(
        name="test",
        origin=ORIGIN,
        intake_recipient="age1" + "q" * 58,
        vault_key=bytes(32),
        ledger_key=bytes(32),
        coordinator_key=bytes(32),
    )


def with_key(world: World, slug: str) -> World:
    public = Ed25519PrivateKey.from_private_bytes(SECRET).public_key().public_bytes_raw()
    with world.database.write() as tx:
        tx.execute(PARTNER.update().where(PARTNER.c.slug == slug).values(sign_key=public))
    return world


def source(world: World, upload: int, number: int) -> tuple[UploadDigest, int]:
    table = metadata.tables["consortium_upload"]
    with world.database.read() as tx:
        digest = tx.execute(table.select().where(table.c.id == upload)).one().digest
    return UploadDigest(bytes(digest)), number


def word(world: World, *pairs: tuple[tuple[int, int], tuple[int, int]], slug: str = "p1") -> str:
    return decisions.sign_never(
        [(source(world, *one), source(world, *other)) for one, other in pairs],
        partner=PartnerSlug(slug),
        origin=ORIGIN,
        sign_key=SECRET,
        at=world.clock.now(),
    )


def record(world: World, text: str) -> Decided:
    return decisions.record(world.database, text, card=card(), clock=world.clock, name="p1.signed")


def test_an_owner_keeps_its_own_rows_apart_by_its_signature(world: World) -> None:
    with_key(world, "p1")
    upload = world.upload([FATHER, SON, BRIDGE])
    world.merge()
    text = word(world, ((upload, 1), (upload, 2)), ((upload, 3), (upload, 2)))
    decided = record(world, text)
    assert decided.pairs == 2
    assert decided.entry is not None
    with world.database.read() as tx:
        said = canonical.decode(ledger.entry(tx, decided.entry))
        assert [d.partner for d in kept.all_of(tx)] == ["p1"]
    assert (said["by"], said["partner"], said["leaves"]) == ("partner", "p1", 2)
    assert said["digest"]
    world.merge()
    assert world.persons() == {
        frozenset({(upload, 1), (upload, 3)}),
        frozenset({(upload, 2)}),
    }
    assert record(world, text) == Decided(0, 2, None)


def test_an_owner_cannot_speak_of_rows_that_are_not_its_own_nor_learn_whether_they_are_there(
    world: World,
) -> None:
    with_key(world, "p1")
    own = world.upload([FATHER])
    others = world.upload([SON], partner="p2")
    said = []
    for number in (1, 2):  # one that is there, one that is not
        with pytest.raises(NotFound) as caught:
            record(world, word(world, ((own, 1), (others, number))))
        said.append((str(caught.value), caught.value.hint))
    with pytest.raises(NotFound) as caught:
        record(world, word(world, ((own, 1), (own, 7))))
    assert said == [(str(caught.value), caught.value.hint)] * 2


def test_a_word_that_was_altered_or_is_of_somebody_else_is_refused(world: World) -> None:
    with_key(world, "p1")
    upload = world.upload([FATHER, SON])
    text = word(world, ((upload, 1), (upload, 2)))
    for wrong in (
        text.replace(", 2]", ", 3]"),
        text.replace('"p1"', '"p2"'),
        text.replace("— p1 ", "— p2 "),
        text.partition("\n\n")[0],
        word(world, ((upload, 1), (upload, 2)), slug="p2"),
        text.replace(ORIGIN, "other.example/x"),
    ):
        with pytest.raises(EvidenceError):
            record(world, wrong)
    with world.database.read() as tx:
        assert ledger.size(tx) == 0


def test_every_generation_says_by_which_rules_and_decisions_it_was_judged(world: World) -> None:
    world.upload([FATHER, SON, row("mary", "jones", emails=(9,)), row("ann", "lee", emails=(8,))])
    world.merge()
    never(world, "u-0001:3", "u-0001:4")  # apart anyway: nothing changes
    world.merge()
    with world.database.read() as tx:
        generation = state.merge_generation(tx)
        assert generation == 1
        assert merge_basis.basis(tx, generation) == Basis("rules-1", 1)
        latest = merges.latest(tx)
        assert latest is not None
        entry = canonical.decode(ledger.entry(tx, latest.entry))
    assert entry["rules"] == "rules-1"


def test_a_generation_judged_by_other_rules_is_judged_anew_as_a_whole(world: World) -> None:
    world.upload([FATHER, SON])
    world.merge()
    with world.database.write() as tx:
        merge_basis.set_basis(tx, 1, Basis("rules-0"))
    result = world.merge()
    assert (result.generation, result.changed_rows, result.judged_rows) == (2, 0, 2)
    assert world.merge().entry is None


def test_a_document_of_too_many_pairs_is_not_signed() -> None:
    digest = UploadDigest(bytes(32))
    pairs = [((digest, n), (digest, n + 1)) for n in range(1, 2 * decisions.MOST_PAIRS + 3, 2)]
    with pytest.raises(UsageError, match="more than 2,000 pairs"):
        decisions.sign_never(
            pairs,
            partner=PartnerSlug("nurses"),
            origin="example.org/x",
            sign_key=bytes(32),
            at=datetime(2026, 11, 1, tzinfo=UTC),
        )
