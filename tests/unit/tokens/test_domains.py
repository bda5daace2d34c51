"""Domains: what DNS knows, and what only looks like it."""

from __future__ import annotations

import pytest

from consortium.tokens import domains


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Example.ORG", "example.org"),
        ("mañana.com", "xn--maana-pta.com"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv"),
        ("בײַשפּיל.טעסט", "xn--fdbk5d8ap9b8a8d.xn--deba0ad"),
        ("xn--fiqq24b10vi0d.tw", "xn--fiqq24b10vi0d.tw"),
        ("a" * 63 + ".org", "a" * 63 + ".org"),
    ],
)
def test_a_name_has_one_ascii_form(name: str, expected: str) -> None:
    assert domains.to_ascii(name) == expected
    assert domains.to_ascii(expected) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "localhost",
        "example.org.",
        ".example.org",
        "exa_mple.org",
        "example-.org",
        "example.c",
        "example.123",
        "ab--cd.org",
        "xn--.org",
        "xn--a.org",
        "xn--bücher.org",
        "xn--mxtq1m.xn--0",
        "xn--" + "9" * 59 + ".org",
        "\u0300a.org",
        "a\u200db.org",
        "a·l.org",
        "\u0661\u06f1.org",
        "אa.org",
        "a" * 64 + ".org",
        ".".join(["a" * 60] * 5),
        "\u2603.org",
        "ü" * 63 + ".org",
    ],
)
def test_a_name_that_no_mail_reaches_is_none(name: str) -> None:
    assert domains.to_ascii(name) is None


@pytest.mark.parametrize("name", ["a.invalid", "a.localhost", "a.b.test", "x.local", "y.onion"])
def test_special_use_names_are_known(name: str) -> None:
    assert domains.is_special_use(name)


def test_the_names_for_examples_may_be_used() -> None:
    assert not domains.is_special_use("gmail.example.com")
