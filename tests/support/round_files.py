"""Round files, sound and spoiled."""

from tests.data.facts import POLICIES

ROUNDS = POLICIES.parent / "rounds"


H2 = (ROUNDS / "2018-h2.yaml").read_text()


SPOILED = {
    "no pledge": (", pledge_won: 10000000000}", "}", "/institutions/0/pledge_won", "missing"),
    "a pledge in words": ("pledge_won: 10000000000}", "pledge_won: 100억}", "/institutions/0/pledge_won", "int-type"),
    "a pledge in octal": ("pledge_won: 10000000000}", "pledge_won: 0777}", "/institutions/0/pledge_won",
                          "read-otherwise"),
    "a number for a moment": ('"2018-09-14T18:00:00+09:00"', "1536915600", "/round/closes_at", "datetime-type"),
    "a moment without its offset": ('"2018-09-14T18:00:00+09:00"', "2018-09-14T18:00:00", "/round/closes_at",
                                    "timezone-aware"),
    "closed before it opens": ("2018-09-14T18:00", "2018-08-14T18:00", "/round/closes_at", "order"),
    "an institution twice": ("institution: lh", "institution: kepco", "/institutions/1/institution",
                             "repeated-institution"),
    "no such policy": ("policy: 2018-h2", "policy: 2018-h3", "/policy", "no-policy"),
    "another round's policy": ("2018-09-14T18:00", "2018-08-18T18:00", "/round/closes_at", ""),
    "a misspelt field": ("lead_seconds:", "lead_second:", "/round/lead_seconds", "missing"),
    "a name that turns": ("한국전력공사", "한국\u202e전력", "/institutions/0/name", "turning-text"),
    "yes": ("  title:", "  unattended: yes\n  title:", "/round/unattended", "read-otherwise"),
    "a field twice": ("policy: 2018-h2", "policy: 2018-h2\npolicy: 2018-h1", "/policy", "repeated-field"),
}  # fmt: skip
