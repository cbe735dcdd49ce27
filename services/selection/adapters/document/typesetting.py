"""The document as a PDF for the archive (PDF/A-3, PDF/UA-1), the pack attached. The same pack gives the same bytes."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Final

import pylopdf_fonts_ko
import typst

from services.selection.adapters.document.sheet import sheet_of
from shared.contracts.events import Language

_TEMPLATE: Final = Path(__file__).parent / "pack.typ"
_NOT_SHOWN: Final = re.compile(r'the text (?:contains the disallowed codepoint )?`"(.+?)"`')
_TRIES: Final = 2
"""What an archive forbids and what no font has may be told one after the other."""
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]+)\}")


def pdf_of(pack: bytes, language: Language) -> bytes:
    """Takes a tenth of a second and a processor; for a thread of its own.

    An archive takes no text that cannot be shown: a character no font here has stands as its number, `[U+1F680]`. What
    it is exactly, the pack attached says.
    """
    sheet, attached = json.dumps(sheet_of(json.loads(pack), pack, language), ensure_ascii=False), pack.decode()
    for _ in range(_TRIES):
        try:
            return _set(sheet, attached)
        except typst.TypstError as error:
            unshown = {_unescaped(text) for text in _NOT_SHOWN.findall(error.diagnostic)}
            if not unshown:
                raise
        for text in sorted(unshown, key=len, reverse=True):
            sheet = sheet.replace(text, "".join(f"[U+{ord(character):04X}]" for character in text))
    return _set(sheet, attached)


def _set(sheet: str, attached: str) -> bytes:
    compiler = typst.Compiler(
        _TEMPLATE.read_bytes(),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"sheet": sheet, "pack": attached},
    )
    made = compiler.compile(format="pdf", pdf_standards=["a-3u", "ua-1"], timestamp=0)
    if not isinstance(made, bytes):
        raise TypeError("a PDF is one file")
    return made


def _unescaped(text: str) -> str:
    """As it was before the message quoted it."""
    return _ESCAPED.sub(lambda escaped: chr(int(escaped.group(1), 16)), text)


@cache
def _fonts() -> typst.Fonts:
    """Those of the packages alone, so that a machine's own change nothing."""
    folder = str(pylopdf_fonts_ko.sans_path().parent)
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder])
