"""The document as a PDF for the archive (PDF/A-3, PDF/UA-1), the pack attached. The same pack gives the same bytes."""

import json
from functools import cache
from pathlib import Path
from typing import Final

import pylopdf_fonts_ko
import typst

from services.selection.document.sheet import sheet_of
from shared.contracts.events import Language

_TEMPLATE: Final = Path(__file__).parent / "pack.typ"


def pdf_of(pack: bytes, language: Language) -> bytes:
    """Takes a tenth of a second and a processor; for a thread of its own."""
    sheet = json.dumps(sheet_of(json.loads(pack), pack, language), ensure_ascii=False)
    compiler = typst.Compiler(
        _TEMPLATE.read_bytes(),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"sheet": sheet, "pack": pack.decode()},
    )
    made = compiler.compile(format="pdf", pdf_standards=["a-3u", "ua-1"], timestamp=0)
    if not isinstance(made, bytes):
        raise TypeError("a PDF is one file")
    return made


@cache
def _fonts() -> typst.Fonts:
    """Those of the packages alone, so that a machine's own change nothing."""
    folder = str(pylopdf_fonts_ko.sans_path().parent)
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder])
