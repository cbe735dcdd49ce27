"""Templates, and what they are styled with: compiled and hashed once, at the start."""

import gzip
import hashlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.portal.domain.texts import TEXTS
from shared.contracts.events import Language

_ROOM: Final = Path(__file__).parents[1]
MOST: Final = 500
"""Most pages kept at once; one more, and the one that was asked for longest ago goes."""
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class File:
    """A file under a name that has its content's hash, so that it can be kept for good."""

    name: str
    content: bytes
    media_type: str

    @classmethod
    def of(cls, path: Path) -> "File":
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:16]
        return cls(f"{path.stem}.{digest}{path.suffix}", content, _TYPES[path.suffix])


@dataclass(frozen=True, slots=True)
class Made:
    """A page that was rendered, as it is and packed, with the ETag of both."""

    content: bytes
    packed: bytes
    etag: str

    @classmethod
    def of(cls, content: bytes) -> "Made":
        """Packed once: a page is sent many times."""
        packed = gzip.compress(content, compresslevel=6, mtime=0)
        return cls(content, packed, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


class Pages:
    """Renders a template in a language; a missing value is an error, not an empty place."""

    def __init__(self) -> None:
        found = {path.name: File.of(path) for path in sorted((_ROOM / "static").iterdir()) if path.suffix in _TYPES}
        self.files: Mapping[str, File] = {file.name: file for file in found.values()}
        environment = Environment(
            loader=FileSystemLoader(_ROOM / "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        environment.globals["asset"] = lambda name: f"/assets/{found[name].name}"
        self._kept: dict[Hashable, Made] = {}
        self._templates = {name: environment.get_template(name) for name in environment.list_templates(["html"])}

    def render(self, template: str, language: Language, values: Mapping[str, Any]) -> bytes:
        """The page."""
        other = Language.EN if language is Language.KO else Language.KO
        given = {"t": TEXTS[language], "language": language.value, "other": other.value}
        return self._templates[template].render(values, **given).encode()

    def from_memory(self, key: Hashable, make: Callable[[], bytes]) -> Made:
        """The page that was made under this key, or one that is made now. The key says all that it shows."""
        made = self._kept.pop(key, None) or Made.of(make())
        self._kept[key] = made
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]
        return made
