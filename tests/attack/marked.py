"""Marked people, each of whom goes another way, and their marks: values that nobody else has."""

from __future__ import annotations

import dataclasses

from tests.attack.marks import Marks
from tests.attack.stage import Someone

__all__ = [
    "ASKED",
    "DELIVERED",
    "LATER",
    "LOST",
    "MARKED",
    "MARKS",
    "OPTED_OUT",
    "REJECTED",
    "UNUSABLE",
]

DELIVERED = Someone(
    email="Zyxwaldine.Quokkamark+Tagged@Canary-Mailbox.example",
    first="Zyxwaldine",
    last="Quokkamark",
    born="1957-03-29",
    phone="(971) 234-9871",
    record_id="rec-qzx-77341",
    tags="tag-qzx-numbat",
    street="99123 Numbatgasse",
)

REJECTED = Someone(
    email="bounceling@canary-reject.example",
    first="Xiphosurine",
    last="Bilbymark",
    born="1961-11-17",
    phone="+1 971 234 9872",
    record_id="rec-qzx-77342",
    tags="tag-qzx-bettong",
)

OPTED_OUT = Someone(
    email="dontwrite.qzx@canary-optout.example",
    first="Wombatrice",
    last="Dunnartmark",
    phone="971.234.9873",
    status="unsubscribed",
    record_id="rec-qzx-77343",
)

UNUSABLE = Someone(
    email="broken..qzx@@canary-broken.example",
    first="Potoroolf",
    last="Kowarimark",
    born="1999-99-99",
    record_id="rec-qzx-77344",
)

ASKED = Someone(
    email="Phoned.Qzx@canary-phoned.example",
    first="Ningauia",
    last="Mulgaramark",
    record_id="rec-qzx-77345",
)

LATER = Someone(
    email="later.qzx@canary-later.example",
    first="Thylacinda",
    last="Pademelon",
    record_id="rec-qzx-77346",
)

LOST = Someone(
    email="lost.qzx@canary-lost.example",
    first="Antechina",
    last="Cuscusmark",
    record_id="rec-qzx-77347",
)

MARKED = (DELIVERED, REJECTED, OPTED_OUT, UNUSABLE, ASKED, LATER, LOST)

_NOT_A_VALUE = {"", "Ann", "Miller", "97214", "subscribed", "unsubscribed"}

MARKS = Marks(
    value
    for one in MARKED
    for value in dataclasses.astuple(one)
    if value not in _NOT_A_VALUE and value != "1999-99-99"  # a day that is not one says nothing
)
