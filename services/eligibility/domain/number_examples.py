"""Numbers that certificates might have, made from the patterns of their kinds."""

import re
from typing import Any, Final


def example_of(pattern: re.Pattern[str]) -> str | None:
    """The shortest text that a certificate's number pattern accepts; None unless the pattern is a plain expression."""
    try:
        text = "".join(map(_example, re._parser.parse(pattern.pattern, pattern.flags)))  # type: ignore[attr-defined]
    except (KeyError, ValueError):
        return None
    return text if pattern.fullmatch(text) else None


def _example(part: tuple[Any, Any]) -> str:
    kind, value = str(part[0]), part[1]
    match kind:
        case "LITERAL":
            return chr(value)
        case "IN" | "BRANCH" | "SUBPATTERN" | "MAX_REPEAT" | "MIN_REPEAT":
            return _example_of_group(kind, value)
        case "RANGE":
            return chr(value[0])
        case "CATEGORY":
            return _OF_CATEGORY[str(value)]
        case "ANY":
            return "A"
        case "AT":
            return ""
        case _:
            raise ValueError(kind)


_OF_CATEGORY: Final = {"CATEGORY_DIGIT": "0", "CATEGORY_WORD": "A", "CATEGORY_SPACE": " "}


def _example_of_group(kind: str, value: Any) -> str:
    match kind:
        case "IN":
            return _example(value[0])
        case "BRANCH":
            return "".join(map(_example, value[1][0]))
        case "SUBPATTERN":
            return "".join(map(_example, value[3]))
        case _:
            least, _, repeated = value
            return "".join(map(_example, repeated)) * int(least)
