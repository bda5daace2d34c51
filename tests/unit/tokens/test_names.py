"""Names: parts, letters, classes, and what contradicts."""

from __future__ import annotations

import pytest

from consortium.tokens import Name, names, nicknames, spelling, tables


@pytest.mark.parametrize(
    ("raw", "letters"),
    [
        ("Dana", "dana"),
        ("  DANA\u200b ", "dana"),
        ("S\x00mith", "smith"),
        ("O’Brien", "obrien"),
        ("O'Brien", "obrien"),
        ("Núñez", "nunez"),
        ("Łukasz", "lukasz"),
        ("Øverland", "overland"),
        ("Straße", "strasse"),
        ("García-López", "garcialopez"),
        ("de la Cruz", "delacruz"),
        ("St.Clair", "stclair"),
        ("Dr. Anna", "anna"),
        ("Smith Jr.", "smith"),
        ("Smith, III", "smith"),
        ("Jane Doe, PhD", "janedoe"),
        ("Elizabeth (Liz)", "elizabeth"),
        ("ＪＯＨＮ", "john"),
        ("李", "李"),
        ("Иван", "иван"),
        ("Sr", "sr"),
        ("Ma", "ma"),
        ("", ""),
        ("\ud800", ""),
        ("---", ""),
        ("unknown", ""),
        ("NULL", ""),
        ("Null", "null"),
        ("=HYPERLINK(A1)", ""),
        ("-2+3", ""),
    ],
)
def test_folding_keeps_the_letters_of_the_name(raw: str, letters: str) -> None:
    assert names.fold(raw) == letters


@pytest.mark.parametrize(
    "raw",
    ['=HYPERLINK("http://x")', "=1+1", "+1+cmd", "@SUM(1)", "-2+3", "\t=2+2", "www.x.org", "{x}"],
)
def test_a_formula_link_or_field_is_no_name(raw: str) -> None:
    assert names.written(raw) == ""


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("JosÃ©", "José"),
        ("NÃºÃ±ez", "Núñez"),
        ("JosÃƒÂ©", "José"),
        ("Oâ€™Brien", "O’Brien"),
        ("Å\x81ukasz", "Łukasz"),
        ("ZoÃ«", "Zoë"),
        ("Ð˜Ð²Ð°Ð½", "Иван"),
        ("Nguyá»…n", "Nguyễn"),
        ("ANÃ\xa0S", "ANàS"),
        ("SÃO", "SÃO"),
        ("São", "São"),
        ("Renée", "Renée"),
        ("D’É’", "D’É’"),
        ("Zoë’s", "Zoë’s"),
    ],
)
def test_a_name_read_in_the_wrong_encoding_is_repaired(raw: str, expected: str) -> None:
    assert names.written(raw) == expected
    assert names.fold(raw) == names.fold(expected)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Dana 🌹", "Dana"),
        ("🏳️‍🌈Dana🏽", "Dana"),
        ("★ Dana ★", "Dana"),
        ("Jos\ufffd", "Jos"),
        ("🌹", ""),
        ("李小龍", "李小龍"),
        ("علي", "علي"),
    ],
)
def test_signs_are_no_part_of_a_name(raw: str, expected: str) -> None:
    assert names.written(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Test User", Name()),
        ("Unknown", Name()),
        ("N/A", Name()),
        ("Ludwig van Beethoven", Name("Ludwig", "", "van Beethoven")),
        ("Fiona Mac Donald", Name("Fiona", "", "Mac Donald")),
        ("Sinéad O'Connor", Name("Sinéad", "", "O'Connor")),
        ("Ana García López", Name("Ana", "García", "López")),
        ("García López, Ana", Name("Ana", "", "García López")),
        ("Ana García-López", Name("Ana", "", "García-López")),
        ("MS. DANA LOPEZ, ESQ.", Name("DANA", "", "LOPEZ")),
    ],
)
def test_names_of_many_kinds_come_apart(raw: str, expected: Name) -> None:
    assert names.split_full(raw) == expected


def test_a_name_is_written_in_one_line_as_its_bearer_does() -> None:
    assert names.written(" de\r\nla  Cruz\u202e ") == "de la Cruz"
    assert names.written("McDonald") == "McDonald"
    assert len(names.written("x" * 1_000_000)) == 100


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("JOSEPH JOHNSON", Name("JOSEPH", "", "JOHNSON")),
        ("Smith, Brenda", Name("Brenda", "", "Smith")),
        ("Smith, Brenda Kay", Name("Brenda", "Kay", "Smith")),
        ("John Smith Jr", Name("John", "", "Smith", "jr")),
        ("John Smith, Jr.", Name("John", "", "Smith", "jr")),
        ("Smith Jr, John", Name("John", "", "Smith", "jr")),
        ("Smith, John A., Jr.", Name("John", "A.", "Smith", "jr")),
        ("Dr. John Q. Public III", Name("John", "Q.", "Public", "iii")),
        ("Maria de la Cruz", Name("Maria", "", "de la Cruz")),
        ("Mary Ann St. Clair", Name("Mary", "Ann", "St. Clair")),
        ("John O. Smith", Name("John", "O.", "Smith")),
        ("Jack Ma", Name("Jack", "", "Ma")),
        ("Jane Doe, PhD", Name("Jane", "", "Doe")),
        ('William "Bill" Baker', Name("William", "", "Baker")),
        ("Cher", Name("Cher")),
        ("Lopez, ", Name("", "", "Lopez")),
        ("", Name()),
        (" , ", Name()),
    ],
)
def test_a_full_name_comes_apart(raw: str, expected: Name) -> None:
    assert names.split_full(raw) == expected


def test_titles_and_suffixes_leave_the_part_they_were_typed_into() -> None:
    assert names.parts(first="Mr. John", last="Smith III") == Name("John", "", "Smith", "iii")
    assert names.parts(first="John Jr", last="Smith") == Name("John", "", "Smith", "jr")
    assert names.parts(first="John", last="Smith", suffix="SR.") == Name("John", "", "Smith", "sr")
    assert names.parts(last="Smith, John") == Name("John", "", "Smith")


@pytest.mark.parametrize(
    ("cell", "suffix"),
    [("Jr.", "jr"), ("JUNIOR", "jr"), ("Sr", "sr"), ("3rd", "iii"), ("IV", "iv"), ("V", "")],
)
def test_a_suffix_has_one_form(cell: str, suffix: str) -> None:
    assert names.suffix(cell) == suffix


@pytest.mark.parametrize(
    ("raw", "given"),
    [
        ("Mary Ann", "mary"),
        ("Jean-Luc", "jeanluc"),
        ("De Shawn", "deshawn"),
        ("J.", "j"),
        ("J. Robert", "j"),
        ("Dr. Anna", "anna"),
    ],
)
def test_the_first_given_name_counts(raw: str, given: str) -> None:
    assert names.given(raw) == given


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Beth", "elizabeth"),
        ("Bob", "robert"),
        ("Kathy", "katherine"),
        ("Stephen", "steven"),
        ("Chris", "christopher"),
        ("Pat", "patricia"),
        ("Jack", "john"),
        ("Pepe", "jose"),
        ("Lupe", "guadalupe"),
        ("Xiomara", "xiomara"),
        ("Zyx", "zyx"),
        ("J.", ""),
        ("", ""),
    ],
)
def test_a_first_name_has_one_class(raw: str, expected: str) -> None:
    assert names.first_class(raw) == expected


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("", "Dana"),
        ("Dana", "DANA"),
        ("J.", "John"),
        ("W", "Bill"),
        ("Beth", "Elizabeth"),
        ("Chris", "Christine"),
        ("Chris", "Christopher"),
        ("Pat", "Patrick"),
        ("Robert", "Roberto"),
        ("Jon", "John"),
        ("Jenniefr", "Jennifer"),
        ("Davve", "David"),
        ("ukasz", "Łukasz"),
        ("Mary", "Mary Ann"),
        ("Xiomar", "Xiomara"),
    ],
)
def test_these_first_names_can_be_one_humans(a: str, b: str) -> None:
    assert names.compatible_first(a, b)
    assert names.compatible_first(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Christine", "Christopher"),
        ("J.", "Mary"),
        ("Daniel", "Daniela"),
        ("Andrew", "Andrea"),
        ("Paul", "Paula"),
        ("Maria", "Mario"),
        ("Eric", "Erica"),
        ("Francis", "Frances"),
        ("John", "Joan"),
        ("Carl", "Carla"),
        ("Al", "Beth"),
    ],
)
def test_these_first_names_contradict(a: str, b: str) -> None:
    assert not names.compatible_first(a, b)
    assert not names.compatible_first(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Smith", "Smyth"),
        ("Knight", "Night"),
        ("Jimenez", "Giménez"),
        ("Phillips", "Filips"),
        ("Catherwood", "Katherwood"),
        ("Nguyen", "Nguyen"),
        ("de la Cruz", "Delacruz"),
    ],
)
def test_surnames_that_sound_alike_have_one_code(a: str, b: str) -> None:
    assert names.surname_code(a) == names.surname_code(b) != ""


@pytest.mark.parametrize(("a", "b"), [("Smith", "Jones"), ("Johnson", "Johnston"), ("Lee", "Lim")])
def test_surnames_that_do_not_sound_alike_differ(a: str, b: str) -> None:
    assert names.surname_code(a) != names.surname_code(b)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("josh", "ojsh", True),
        ("jennifer", "jenniffer", True),
        ("jennifer", "jennfer", True),
        ("jennifer", "gennifer", True),
        ("jennifer", "jenifre", False),
        ("abc", "abc", True),
        ("abc", "cab", False),
        ("ab", "abcd", False),
    ],
)
def test_one_slip_is_one_letter(a: str, b: str, *, expected: bool) -> None:
    assert spelling.one_slip(a, b) is expected
    assert spelling.one_slip(b, a) is expected


def test_a_formal_name_stands_in_one_class_only() -> None:
    formal = [
        word for line in tables.lines("nicknames.txt") for word in line.partition(":")[0].split()
    ]
    assert len(formal) == len(set(formal))


def test_the_table_is_written_in_folded_letters() -> None:
    for line in tables.lines("nicknames.txt"):
        for word in line.replace(":", " ").split():
            assert word.isascii(), word
            assert word.isalpha(), word
            assert word.islower(), word


def test_a_class_name_is_of_its_own_class() -> None:
    for line in tables.lines("nicknames.txt"):
        name = line.partition(":")[0].split()[0]
        assert nicknames.one_class(name) == name


def test_a_repr_shows_no_name() -> None:
    assert "Dana" not in repr(names.split_full("Dana Lopez"))
