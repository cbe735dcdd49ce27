"""Typesets the document as an archival PDF (PDF/A-3, PDF/UA-1) with the pack attached. It is deterministic."""

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
"""Typst may report forbidden characters and characters without a glyph one after the other."""
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]+)\}")


def pdf_of(pack: bytes, language: Language) -> bytes:
    """The PDF of a pack. Takes about 0.1 s of processor time: call it in a thread.

    PDF/A forbids text that cannot be shown, so a character without a glyph is printed as its number, `[U+1F680]`; the
    attached pack has the original.
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
    """Undoes the escapes of the error message."""
    return _ESCAPED.sub(lambda escaped: chr(int(escaped.group(1), 16)), text)


@cache
def _fonts() -> typst.Fonts:
    """The packaged fonts only, so that a machine's own fonts change nothing."""
    folder = str(pylopdf_fonts_ko.sans_path().parent)
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder])
