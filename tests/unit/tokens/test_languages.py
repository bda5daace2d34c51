"""Languages by code, tag and name."""

from __future__ import annotations

import pytest

from consortium.tokens import languages, tables


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("en-US", "en"),
        ("es_MX", "es"),
        ("zh-Hant-TW", "zh"),
        ("eng", "en"),
        ("spa", "es"),
        ("Spanish", "es"),
        (" ESPAÑOL ", "es"),
        ("espanol", "es"),
        ("Haitian Creole", "ht"),
        ("中文", "zh"),
        ("Chinese (Traditional)", "zh"),
        ("Spanish; English", "es"),
        ("Hmong", "hmn"),
        ("Cymraeg", "cy"),
        ("", ""),
        ("n/a", ""),
        ("Yes", ""),
        ("US", ""),
        ("xx", ""),
        ("Klingon", ""),
        ("e" * 1_000_000, ""),
        ("\ud800", ""),
    ],
)
def test_a_language_has_one_code(raw: str, expected: str) -> None:
    assert languages.normalise(raw) == expected
    assert languages.normalise(expected) == expected


def test_no_two_languages_share_a_spelling() -> None:
    codes = [code for code, others, _ in tables.languages() for code in {code, *others}]
    names = [
        letters
        for _, _, names in tables.languages()
        for letters in {tables.letters(name) for name in names}
    ]
    assert len(codes) == len(set(codes))
    assert len(names) == len(set(names))
