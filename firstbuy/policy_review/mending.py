"""A policy that can't be read, with what can't be left out or stood in for: so that the rest of it is looked at too."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from difflib import get_close_matches
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

_ROUNDS_AT_MOST: Final = 8
"""What stands in for a part may lack parts itself."""
_STAND_IN_DAY: Final = "2018-09-14"
_STAND_IN_CODE: Final = "x1"
Schema = dict[str, Any]
SchemaAt = Callable[[str], Schema]
PlaceOf = Callable[[Any, Any], str]


def mended(adapter: TypeAdapter[Any], document: Any, schema_at: SchemaAt, place_of: PlaceOf) -> tuple[Any, set[str]]:
    """What the contract makes of it, None where it can make nothing; and the pointers of all that is not as it was
    written."""
    document, touched = deepcopy(document), set[str]()
    for _ in range(_ROUNDS_AT_MOST):
        try:
            return adapter.validate_python(document, extra="forbid"), touched
        except ValidationError as error:
            errors = [fault for fault in error.errors(include_url=False) if not follows_from_items(fault)]
            pointers = {place_of(document, fault) for fault in errors}
            for pointer in sorted(pointers, key=len, reverse=True):
                _mend(document, pointer, schema_at)
            touched |= pointers
    return None, touched


def follows_from_items(error: Mapping[str, Any]) -> bool:
    """A list whose items can't be read counts as too short as well."""
    return error["type"] == "too_short" and bool(error["input"])


def follows(pointer: str, touched: Iterable[str]) -> bool:
    """Whether a problem there may be one of what was mended, and not of what was written."""
    return any(
        pointer == place or pointer.startswith(f"{place}/") or place.startswith(f"{pointer}/") or not place
        for place in touched
    )


def _mend(document: Any, pointer: str, schema_at: SchemaAt) -> None:
    *path, name = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]] or [""]
    around: Any = document
    for part in path:
        around = around[int(part)] if isinstance(around, list) else around.get(part)
    parent = pointer.rpartition("/")[0]
    if isinstance(around, list):
        around[int(name)] = _stand_in(around[int(name)], pointer, schema_at)
    elif isinstance(around, dict):
        schema = schema_at(parent)
        if name in schema.get("required", ()) or isinstance(schema.get("additionalProperties"), dict):
            around[name] = _stand_in(around.get(name), pointer, schema_at)
        else:
            around.pop(name, None)


def _stand_in(stated: Any, pointer: str, schema_at: SchemaAt) -> Any:
    schema = schema_at(pointer)
    if "enum" in schema:
        return next(iter(get_close_matches(str(stated), schema["enum"], 1)), schema["enum"][0])
    match schema.get("type"):
        case "integer":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "object":
            required = schema.get("required", ())
            return {name: _stand_in(None, f"{pointer}/{name}", schema_at) for name in required}
        case "array":
            return [_stand_in(None, f"{pointer}/0", schema_at)] if schema.get("minItems") else []
    return _STAND_IN_DAY if schema.get("format") == "date" else _STAND_IN_CODE
