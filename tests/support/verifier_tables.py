"""Tables of what both verifiers decide: inputs, and the right answer."""

from typing import Any

SIZES_OF_TREES = (0, 1, 2, 3, 5, 1023, 1024, 1025, 2047, 2048, 2049, 3072, 4097, 7000)


HASH = "ab" * 32


OFFICERS = [{"name": "A", "role": "officer"}, {"name": "B", "role": "officer"}]


CLOCK = [{"name": "intake", "role": "system"}]


ACTORS = {"clock": CLOCK, "one": OFFICERS[:1], "two": OFFICERS, "machine": [*OFFICERS[:1], *CLOCK], "nobody": []}


FINDING = {
    "rule": "startup",
    "legal_source": "law",
    "unit": None,
    "margin": None,
    "outcome": "pass",
    "seen": 1,
    "needed": 1,
    "decides": True,
}


CONDITION: dict[str, Any] = {"rule": "x", "legal_source": "l"}


TRACK: dict[str, Any] = {"track": "general", "name": {"ko": "일반", "en": "General"}, "conditions": [CONDITION]}


SHAPED: list[tuple[str, Any, bool]] = [
    ("Rehearsal", {}, False),
    ("Finding", FINDING, True),
    ("Finding", FINDING | {"seen": ["a", "b"]}, True),
    ("Finding", FINDING | {"seen": ["a", 1]}, False),
    ("Finding", FINDING | {"seen": {}}, False),
    ("Finding", FINDING | {"more": 1}, False),
    ("pledges", {"type": "pledges", "pledges": [["kepco", 1]]}, True),
    ("pledges", {"type": "pledges", "pledges": []}, True),
    ("pledges", {"type": "pledges", "pledges": {}}, False),
    ("pledges", {"type": "pledges", "pledges": ""}, False),
    ("pledges", {"type": "pledges", "pledges": [["kepco"]]}, False),
    ("pledges", {"type": "pledges", "pledges": [["kepco", 1, 1]]}, False),
    ("pledges", {"type": "pledges", "pledges": [["kepco", -1]]}, False),
    ("pledges", {"type": "pledges", "pledges": [["kepco", 1], ["kepco", "1"]]}, False),
    ("Track", TRACK | {"conditions": [CONDITION | {"parameters": {"years": 7}}]}, True),
    ("Track", TRACK | {"conditions": [CONDITION | {"parameters": {"Years": 7}}]}, False),
    ("Track", TRACK | {"conditions": [CONDITION | {"parameters": {"years": {}}}]}, False),
]


PATTERNS: dict[str, int | None] = {
    "a": 1,
    "(a|b){15}": 32768,
    "(a|b){16}": None,
    "(a|b){0,3}": 15,
    "(a|b){2,3}": 12,
    "(?:a|b)": 2,
    "(?=a)": None,
    "a)": None,
    "(a": None,
    "[a": None,
    "[]a]": None,
    "[a-]": 1,
    "[a--]": None,
    "\\k": None,
    "\\": None,
    "a{2": None,
    "a**": None,
    "a{3,2}": None,
    "(a?)*": None,
    "^a$": 1,
}


MATCHED: list[tuple[str, str, bool]] = [
    (r"N\d", "N7", True),
    (r"N\d", "N\u0667", False),
    (r"N\w", "Ns", True),
    (r"N\w", "N-", False),
    (r"a\sb", "a b", True),
    (r"a\sb", "asb", False),
    (r"a\sb", "a\u00a0b", False),
    (r"a[\s]b", "a\tb", True),
    (r"a[\s]b", "a[b", False),
    (r"[\-x]", "-", True),
    (r"[\-x]", "y", False),
    (r"\-", "-", True),
    (r"\@", "@", True),
    (r"\.", "x", False),
    (r"(ab|c){2}", "abc", True),
    (r"(ab|c){2}", "ab", False),
    (r"[^a]", "b", True),
    (r"[^a]", "a", False),
    (r".", "\n", False),
    (r"a?b+", "bb", True),
    (r"a{2,3}", "aaaa", False),
]


"""(pattern, number, whether it is one of these)."""


DAYS = {
    "2018-02-28": True,
    "2018-02-29": False,
    "2016-02-29": True,
    "1900-02-29": False,
    "2000-02-29": True,
    "2018-04-30": True,
    "2018-04-31": False,
    "2018-12-31": True,
    "2018-13-01": False,
    "2018-00-10": False,
    "2018-01-00": False,
    "2018-01-01": True,
    "0000-01-01": False,
    "0001-01-01": True,
    "9999-12-31": True,
}


DRAWN = {"1.2.": False, "1.2./": True, "2.1./": False, "1.2./3.4./": True, "1.2./4.3./": False, "2.1./3.4./": False}


DRAWN |= {"01./": False, "1.x./": False, "x./1./": False, "1./x./": False, "./": False}


POLICY = {
    "as_of": "2018-08-20",
    "certificates": [{"kind": "nep", "number_pattern": "N[0-9]", "validity_years": 1}],
    "tracks": [TRACK | {"waivers": []}],
    "tickets": [{"tickets": 3, "record_won_at_most": 10}],
}


FACTS: dict[str, Any] = {
    "track": "general",
    "applicant": {"name": "A", "supply_record": {"won": 5, "count": 1}},
    "product": {"name": "P", "class_code": "1" * 8, "price_won": 1, "capacity": 1, "delivery_days": 1},
}


NOBODYS = FACTS | {"track": "t"}


JUDGED = [{"rule": "x", "legal_source": "l", "outcome": "pass", "decides": True}]
