"""What of a deployment may leave it in a support bundle: what is known to be neither secret nor personal, no more.

It is a list of what may go, not of what may not: a setting that is new, or a log field that somebody filled with a
name, stays here.
"""

import json
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_settings import BaseSettings

REMOVED: Final = "‹removed›"
SHOWN: Final = frozenset(
    {
        "FIRSTBUY_TOPIC_PREFIX",
        "FIRSTBUY_LOG_LEVEL",
        "FIRSTBUY_KAFKA_SECURITY_PROTOCOL",
        "FIRSTBUY_KAFKA_SASL_MECHANISM",
    }
)
"""Settings whose text is shown. Of other texts it is said whether they are set, of addresses also host and port."""
_ADDRESS: Final = re.compile(r"(_URL|_SERVER|_ENDPOINT|_SERVERS)$")
_CODE: Final = re.compile(r"[A-Za-z0-9._:/+-]{1,100}")
_OF_A_PERSON: Final = re.compile(r"\d{2,4}-\d{2,4}-\d{4,6}|\d{9,}")
"""Telephone, business and corporate numbers."""
_WORDS: Final = frozenset({"event", "level"})
"""Fields of a log line that are sentences of the source code."""


def setting(name: str, value: Any) -> Any:
    """What is shown of a setting's value."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, SecretStr):
        return "set" if value.get_secret_value() else "not set"
    if isinstance(value, Enum) or name in SHOWN:
        return str(value.value if isinstance(value, Enum) else value)
    text = str(value)
    if _ADDRESS.search(name) and text:
        return ", ".join(_host(part) for part in text.split(","))
    return "set" if text else "not set"


def _host(address: str) -> str:
    """Without user, password, path and query."""
    try:
        parts = urlsplit(address.strip() if "//" in address else f"//{address.strip()}")
        return f"{parts.scheme + '://' if parts.scheme else ''}{parts.hostname}:{parts.port}"
    except ValueError:
        return REMOVED


def settings(model: type[BaseSettings], environment: Mapping[str, str]) -> dict[str, Any]:
    """The variables of a settings class that are set here, as far as they may be shown."""
    prefix = model.model_config.get("env_prefix", "")
    shown = {}
    for field, info in model.model_fields.items():
        name = f"{prefix}{field.upper()}"
        if name in environment:
            number = info.annotation in {int, float, bool} and _CODE.fullmatch(environment[name])
            secret = SecretStr(environment[name]) if info.annotation is SecretStr else environment[name]
            shown[name] = environment[name] if number else setting(name, secret)
    return shown


def log_lines(lines: Iterable[str]) -> list[str]:
    """Lines that are JSON, with those values alone that are numbers or codes; of others only how many there were."""
    kept, left_out = [], 0
    for line in lines:
        try:
            document = json.loads(line)
        except ValueError:
            left_out += 1
            continue
        if isinstance(document, dict):
            kept.append(json.dumps({name: _value(name, value) for name, value in document.items()}, ensure_ascii=False))
    return [*kept, json.dumps({"left_out": left_out})]


def _value(name: str, value: Any) -> Any:
    match value:
        case bool() | None:
            return value
        case int() | float():
            return value if abs(value) < 1_000_000_000 else REMOVED
        case list():
            return [_value(name, each) for each in value]
        case str() if name in _WORDS and value.isascii() and "@" not in value:
            return REMOVED if _OF_A_PERSON.search(value) else value
        case str() if _CODE.fullmatch(value) and (name == "timestamp" or not _OF_A_PERSON.search(value)):
            return value
    return REMOVED
