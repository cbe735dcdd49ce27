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


FILE: dict[str, Any] = {
    "kind": "specification",
    "sha256": "a" * 64,
    "bytes": 1,
    "media_type": "application/pdf",
    "name": "규격서.v1.pdf",
}
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
    ("Track", TRACK | {"conditions": [CONDITION | {"parameters": []}]}, False),
    ("Track", TRACK | {"conditions": [CONDITION | {"parameters": ""}]}, False),
    ("Track", TRACK | {"conditions": [CONDITION | {"parameters": 7}]}, False),
    ("Track", [], False),
    ("Track", None, False),
    ("DocumentFile", FILE, True),
    ("DocumentFile", FILE | {"name": "규" * 255}, True),
    ("DocumentFile", FILE | {"name": "😀" * 255}, True),
    ("DocumentFile", FILE | {"name": "규" * 256}, False),
    ("DocumentFile", FILE | {"name": "a/b.pdf"}, False),
    ("DocumentFile", FILE | {"name": "a\\b.pdf"}, False),
    ("DocumentFile", FILE | {"name": "a\nb.pdf"}, False),
    ("DocumentFile", FILE | {"sha256": "a" * 63}, False),
    ("DocumentFile", FILE | {"bytes": 0}, False),
    ("DocumentFile", FILE | {"media_type": "pdf"}, False),
]


PATTERNS: dict[str, int | None] = {
    "a": 1,
    "(a|b){15}": 32768,
    "(a|b){16}": None,
    "(a|b){0,15}": None,
    "(a|b){15}(c|d)": None,
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
    (r"[a\-z]", "-", True),
    (r"[a\-z]", "m", False),
    (r"[\@]", "@", True),
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


DRAWN |= {"4.4./": True, "01./": False, "1.x./": False, "x./1./": False, "1./x./": False, "./": False}


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


ACTED_BY: dict[str, set[str]] = {
    "clock": {"clock"},
    "officers": {"two"},
    "clock-or-officers": {"clock", "two"},
    "announcers": {"clock", "one", "two"},
}
"""Whose act it may be: which of `ACTORS`."""


TAKEN_OUT: dict[str, tuple[dict[int, int], bool, dict[str, Any], bool]] = {
    "one taken out": ({3: -1}, True, {}, True),
    "one taken out of what was judged": ({3: -1}, False, {}, False),
    "two taken out, nobody judged again": ({3: -2}, True, {}, False),
    "two taken out for one": ({3: -1, 4: -1}, True, {"judge_again": ["a"]}, True),
    "nobody taken out": ({3: 0}, True, {"judge_again": ["a"]}, False),
    "taken out as all are judged": ({3: -1}, True, {"judge_all": True}, False),
    "taken out as one is amended": ({3: -1}, True, {"amended": [{}]}, False),
    "taken out as another comes": ({3: -2, 4: 1}, True, {}, False),
}
"""By how many each bucket grew, whether somebody was parked, the rest of the act; whether it took out who was."""


PANEL_CLOSED: dict[str, tuple[int, list[int], list[int], list[int], bool]] = {
    "marks closed in the epoch that admits": (2, [1, 2], [2], [], True),
    "marks not closed since": (2, [1], [2], [], False),
    "marks closed, a later epoch admits": (2, [1], [3], [2], True),
    "marks closed, and nobody admitted": (3, [1], [], [2, 3], True),
    "marks closed in a later epoch": (2, [1, 3], [2], [], False),
}
"""The epoch asked about; epochs in which marks were closed, that admitted somebody, that admitted nobody."""


WINDOWS: dict[str, tuple[str, str, list[str]]] = {
    "a window of no time": ("2018-08-20T00:00:00Z", "2018-08-20T00:00:00Z", ["window"]),
    "a window": ("2018-08-20T00:00:00Z", "2018-08-20T00:00:01Z", []),
}
BATCHES: dict[str, tuple[str, str, list[str]]] = {
    "a batch opened as the other is proposed": ("2018-08-20T00:00:00Z", "2018-08-20T00:00:00Z", []),
    "a batch opened before the other is proposed": ("2018-08-20T00:00:01Z", "2018-08-20T00:00:00Z", ["time"]),
}
"""When the first was proposed, and the second opened."""


LAST_DAYS: dict[tuple[str, int], str] = {
    ("2016-02-29", 1): "2017-02-28",
    ("2016-02-29", 4): "2020-02-29",
    ("9998-06-01", 1): "9999-06-01",
    ("9996-02-29", 3): "9999-02-28",
    ("9999-06-01", 1): "9999-12-31",
}
"""The last day of so many years from a day on."""


DRAWINGS: dict[tuple[str, int, int], int] = {
    ("2018-01-01T00:00:00Z", 30, 0): 1,
    ("2018-01-01T00:00:00Z", 30, 29): 1,
    ("2018-01-01T00:00:00Z", 30, 30): 2,
    ("2018-01-01T00:00:00Z", 30, -30): 0,
    ("2018-01-01T00:00:00.5Z", 30, 30): 1,
    ("2018-01-01T00:00:00.5Z", 30, 0): 1,
    ("2018-01-01T00:00:00.5Z", 30, 31): 2,
}
"""Anchor, period, seconds from the anchor's whole second to the moment: which drawing it is."""


SUPPLEMENTARY: dict[int, str | None] = {2: "nist", 3: None, 4: "drand"}
"""By epoch, the source its act announced for who it admitted; commitments stand of epochs 1 to 3."""
COMMITTED = (1, 2, 3)


SETS: dict[int, tuple[int, list[str]]] = {1: (5, []), 2: (6, ["a"]), 3: (8, ["b", "c"])}
"""By epoch, how many stood in its set, and whom its act admitted; the act of epoch 4 names nobody."""
HAS_ALL: dict[str, tuple[int, int, bool]] = {
    "all still there": (2, 6, True),
    "one taken out since": (2, 5, False),
    "all of the first epoch": (1, 5, True),
    "all of three epochs": (3, 8, True),
    "all, where the last epoch admitted nobody": (4, 8, True),
}
"""The epoch asked about, how many stand in its set, and whether nobody was taken out."""


BATCH_CONFIRMED: dict[str, tuple[int, tuple[str, int, int | None], bool]] = {
    "confirmed by itself": (1, ("ReleaseConfirmed", 2, 1), True),
    "confirmed with the selection": (1, ("SelectionConfirmed", 2, 1), True),
    "the selection alone confirmed": (1, ("SelectionConfirmed", 2, None), False),
    "confirmed in another epoch": (1, ("ReleaseConfirmed", 3, 1), False),
    "an earlier batch confirmed": (2, ("ReleaseConfirmed", 2, 1), False),
    "no confirmation": (1, ("ReleaseOpened", 2, 1), False),
}
"""The batch asked about, of epoch 2; the event that stands: its name, epoch and batch."""
