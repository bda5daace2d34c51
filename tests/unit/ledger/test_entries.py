"""The language of the ledger: closed, exact, and the same for the stand-alone checker."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.errors import EvidenceError
from consortium.ledger import canonical, entries, grammar, kinds, leaves, verify_export
from consortium.model import AnswerKind
from consortium.testing.sample_ledger import sample_ledger
from consortium.types import EntryIndex, MessageName, PartnerSlug, UploadDigest

SAMPLE = sample_ledger()
ENTRIES = [canonical.decode(data) for data in SAMPLE.entries]
LEAVES = [
    (canonical.decode(leaf), ENTRIES[index]["kind"])
    for index, data in SAMPLE.leaves.items()
    for leaf in data
]
AT = datetime(2026, 11, 3, 17, tzinfo=UTC)


def test_the_stand_alone_checker_has_the_same_tables() -> None:
    assert verify_export.ENTRIES == kinds.ENTRIES
    assert verify_export.LEAVES == kinds.LEAVES
    assert verify_export.WORDS == grammar.WORDS
    assert verify_export.PATTERNS == grammar.PATTERNS
    assert {k: frozenset(v) for k, v in verify_export.BATCHES.items()} == kinds.BATCHES
    assert verify_export.FORMAT == kinds.FORMAT


def test_every_kind_of_entry_and_leaf_has_a_maker() -> None:
    assert {e["kind"] for e in ENTRIES} == set(kinds.ENTRIES) <= set(entries.__all__)
    assert {leaf["kind"] for leaf, _ in LEAVES} == set(kinds.LEAVES) <= set(leaves.__all__)


def test_the_words_are_those_of_the_model() -> None:
    from consortium import model  # noqa: PLC0415 - compared whole

    for name, enum in {
        "channel": model.Channel,
        "purpose": model.Purpose,
        "content": model.ContentClass,
        "scope": model.Scope,
        "basis": model.ConsentBasis,
        "decision": model.AnswerKind,
    }.items():
        assert set(grammar.WORDS[name]) == {member.value for member in enum}


_WRONG: list[Any] = [None, "", "x", 0, -1, 1.5, True, [], {}, "٣", "A" * 64, "0" * 63, " nurses"]


def _both_refuse(entry: object) -> bool:
    try:
        entries.check(entry)
    except EvidenceError:
        ours = True
    else:
        ours = False
    try:
        verify_export._check_record(entry, verify_export.ENTRIES)
    except verify_export.Failure:
        theirs = True
    else:
        theirs = False
    assert ours == theirs
    return ours


@pytest.mark.parametrize("kind", sorted(kinds.ENTRIES))
def test_a_field_missing_renamed_added_or_of_another_type_is_refused(kind: str) -> None:
    entry = next(e for e in ENTRIES if e["kind"] == kind)
    assert not _both_refuse(entry)
    assert _both_refuse({**entry, "extra": 1})
    assert _both_refuse({**entry, "kind": "rumour"})
    for name in entry:
        assert _both_refuse({k: v for k, v in entry.items() if k != name})
        assert _both_refuse({(k + "x" if k == name else k): v for k, v in entry.items()})
    for name, type_ in kinds.ENTRIES[kind].items():
        for wrong in _WRONG:
            allowed = (wrong is None and type_.endswith("?")) or (
                (type_.removesuffix("?"), json.dumps(wrong))
                in {("index", "0"), ("title", '"x"'), ("origin", '"x"'), ("word", '"x"')}
                | {("policies", "[]"), ("title", json.dumps("٣")), ("title", '" nurses"')}
                | {("title", json.dumps("A" * 64)), ("title", json.dumps("0" * 63))}
                | {("origin", json.dumps("A" * 64)), ("origin", json.dumps("0" * 63))}
            )
            assert _both_refuse({**entry, name: wrong}) != allowed, (name, wrong)


@pytest.mark.parametrize("what", [None, 1, "x", [], [1], {}, {"kind": None}, {"kind": ["x"]}])
def test_what_is_no_record_is_refused(what: object) -> None:
    assert _both_refuse(what)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(ENTRIES), st.data())
def test_checking_is_total_and_both_checkers_agree(
    entry: dict[str, Any], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(entry)))
    _both_refuse({**entry, name: data.draw(_JSON)})
    _both_refuse(data.draw(_JSON))


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        (
            "moment",
            ["2026-11-03T17:02:11Z", "2028-02-29T00:00:00Z"],
            [
                "2026-11-03T17:02:11",
                "2026-11-03T17:02:11+00:00",
                "2026-11-03T17:02:11.0Z",
                "2026-13-03T17:02:11Z",
                "2026-02-29T17:02:11Z",
                "2026-11-03T24:00:00Z",
                "2026-11-03t17:02:11z",
                "2026-11-03T17:02:11Z\n",
                "1999-11-03T17:02:11Z",
                "２026-11-03T17:02:11Z",
            ],
        ),
        (
            "instant",
            ["2026-11-03T17:02:11.000000Z"],
            ["2026-11-03T17:02:11Z", "2026-11-03T17:02:11.000Z", "2026-11-03T17:02:11.0000000Z"],
        ),
        ("date", ["2026-11-03"], ["2026-11-31", "20261103", "2026-W01-1", "2026-1-3"]),
        ("slug", ["nurses", "a-1"], ["a", "Nurses", "1a", "a" * 33, "nurses\n", "ñu", "a_b"]),
        ("message", ["m-1", "m-1182"], ["m-0", "m-01", "1182", "m-", "m-1 "]),
        ("band", ["0", "1-49", "1000-2499"], ["7", "1-50", "01-49", "1000-2500"]),
        ("code", ["250", "550 5.1.1"], ["250 ok", "2500", "150", "550 5.1", "550  5.1.1"]),
        ("hash", ["0a" * 32], ["0A" * 32, "0a" * 31, "0a" * 32 + "\n"]),
        ("number", [1, 2**50], [0, -1, True, "1", 1.0]),
        ("index", [0, 1], [-1, False, "0"]),
        ("title", ["Oregon Nurses – Ärzt:innen"], ["", "a\nb", "a\x1b[0m", "a\u2028b", "x" * 201]),
        (
            "policies",
            [[], [{"partner": "aa", "version": 1}, {"partner": "bb", "version": 7}]],
            [
                {},
                [{"partner": "bb", "version": 1}, {"partner": "aa", "version": 1}],
                [{"partner": "aa", "version": 1}, {"partner": "aa", "version": 2}],
                [{"partner": "aa"}],
                [{"partner": "aa", "version": 1, "x": 1}],
                [{"partner": "aa", "version": 0}],
                ["aa"],
            ],
        ),
    ],
)
def test_types_have_one_spelling(type_: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert grammar.is_a(type_, value), value
        assert verify_export.is_a(type_, value), value
    for value in bad:
        assert not grammar.is_a(type_, value), value
        assert not verify_export.is_a(type_, value), value


def test_a_time_is_written_in_utc_whatever_the_zone_it_came_in() -> None:
    pacific = timezone(timedelta(hours=-7))
    at = datetime(2026, 11, 3, 10, 0, 0, 999_999, tzinfo=pacific)
    assert grammar.moment(at) == "2026-11-03T17:00:00Z"
    assert grammar.instant(at) == "2026-11-03T17:00:00.999999Z"


def _both_refuse_leaf(leaf: dict[str, Any], batch: str) -> bool:
    try:
        leaves.check(leaf, batch=batch)
    except EvidenceError:
        ours = True
    else:
        ours = False
    try:
        verify_export._check_leaf(canonical.encode(leaf), batch)
    except verify_export.Failure:
        theirs = True
    else:
        theirs = False
    assert ours == theirs
    return ours


@pytest.mark.parametrize("number", range(len(LEAVES)))
def test_a_leaf_is_known_in_its_own_batch_only_and_with_its_own_fields_only(number: int) -> None:
    leaf, batch = LEAVES[number]
    other = next(kind for kind in kinds.BATCHES if kind != batch)
    assert not _both_refuse_leaf(leaf, batch)
    assert _both_refuse_leaf(leaf, other)
    assert _both_refuse_leaf({**leaf, "extra": 1}, batch)
    for name in leaf:
        assert _both_refuse_leaf({k: v for k, v in leaf.items() if k != name}, batch)
    with pytest.raises(EvidenceError):
        leaves.check(leaf, batch="policy_set")


def test_only_an_assigned_person_has_an_owner_and_only_a_deferred_one_a_time() -> None:
    for answer in (AnswerKind.REFUSED, AnswerKind.HELD_OUT, AnswerKind.DEFERRED):
        with pytest.raises(EvidenceError):
            leaves.decision(1, answer=answer, owner=PartnerSlug("nurses"), until=AT)
    for answer in (AnswerKind.ASSIGNED, AnswerKind.DEFERRED):
        with pytest.raises(EvidenceError):
            leaves.decision(1, answer=answer)
    with pytest.raises(EvidenceError):
        leaves.decision(1, answer=AnswerKind.REFUSED, until=AT)
    assigned = next(leaf for leaf, _ in LEAVES if leaf["kind"] == "decision")
    for name in ("owner", "upload", "row", "basis", "policy"):
        assert _both_refuse_leaf({**assigned, name: None}, "campaign_planned")


def test_a_reply_that_quotes_an_address_is_left_out_and_the_outcome_still_recorded() -> None:
    for reply in ("550 dana@example.org unknown", "", "junk\r\n", "5" * 400):
        made = leaves.outcome(MessageName("m-1"), attempt=1, outcome="rejected", code=reply, at=AT)
        assert canonical.decode(made)["code"] is None
    made = leaves.outcome(
        MessageName("m-1"), attempt=1, outcome="rejected", code="550 5.1.1", at=AT
    )
    assert canonical.decode(made)["code"] == "550 5.1.1"


def test_makers_refuse_what_the_format_cannot_say() -> None:
    with pytest.raises(EvidenceError):
        entries.upload_expired(PartnerSlug("Nurses!"), upload=UploadDigest(b"\x01" * 32), at=AT)
    with pytest.raises(EvidenceError):
        leaves.intent(
            MessageName("1182"),
            attempt=1,
            plan=EntryIndex(1),
            number=1,
            owner=PartnerSlug("nurses"),
            policy=1,
            approval=None,
            at=AT,
        )


def test_the_root_over_uploads_does_not_depend_on_their_order() -> None:
    def made(order: list[UploadDigest]) -> dict[str, Any]:
        return entries.merge_run(
            1,
            rules="rules-1",
            uploads=order,
            rows=1,
            persons=1,
            changed_rows=1,
            at=AT,
        )

    digests = [UploadDigest(bytes([n]) * 32) for n in range(5)]
    assert made(digests) == made(digests[::-1])
    assert made(digests) != made(digests[1:])
