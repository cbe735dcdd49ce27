"""PDF, read and never written: the bytes that came are the ones that are hashed and kept."""

import io
from collections.abc import Iterator
from typing import Any, Final

from services.intake.adapters.documents.refusing import SAVE_AGAIN, RefusedFileError

_END: Final = b"%%EOF"
_BEHIND: Final = b"\x00\t\n\x0c\r "
_RUNNING: Final = frozenset({"/JS", "/JavaScript", "/XFA"})
_ACTIONS: Final = frozenset({"/JavaScript", "/Launch", "/Rendition", "/RichMediaExecute"})
_DEPTH_AT_MOST: Final = 100
_VALUES_AT_MOST: Final = 5_000_000
_PRINT: Final = "print it to PDF, and send that"


def check_pdf(content: bytes) -> None:
    """Raises RefusedFileError for a PDF that is locked, runs something, or can't be read."""
    import pikepdf  # noqa: PLC0415 -- a fifth of a second, for PDFs alone

    at = content.rfind(_END)
    if at < 0:
        raise _broken()
    if behind := len(content[at + len(_END) :].strip(_BEHIND)):
        raise RefusedFileError("bytes-behind", f"{behind:,} bytes stand behind its end", SAVE_AGAIN)
    try:
        with pikepdf.open(io.BytesIO(content)) as document:
            if document.is_encrypted:
                raise RefusedFileError("encrypted-file", "it has a password, or is locked against changes", _PRINT)
            if not len(document.pages):
                raise RefusedFileError("broken-file", "it has no page", SAVE_AGAIN)
            if what := _runs(document, pikepdf):
                raise RefusedFileError("scripted-file", what, _PRINT)
    except pikepdf.PasswordError as error:
        raise RefusedFileError("encrypted-file", "it has a password, or is locked against changes", _PRINT) from error
    except (pikepdf.PdfError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        if isinstance(error, RefusedFileError):
            raise
        raise _broken() from error


def _runs(document: Any, pikepdf: Any) -> str | None:
    """What of it runs when it is opened or used, in words."""
    left = _VALUES_AT_MOST
    for held in _values(document):
        left -= 1
        if left < 0:
            raise RefusedFileError("too-costly", "it has more parts than any document of this size", _PRINT)
        if not isinstance(held, pikepdf.Dictionary | pikepdf.Stream):
            continue
        keys = set(held.keys())
        if _RUNNING & keys:
            return "it has a script or a form that runs one"
        action = held.get("/S")
        if isinstance(action, pikepdf.Name) and str(action) in _ACTIONS:
            return "it has an action that runs something"
    return None


def _values(document: Any) -> Iterator[Any]:
    """Every value of every object, reached or not: a reader that mends a broken file may reach others."""
    for held in (*document.objects, document.trailer):
        stack = [(held, 0)]
        while stack:
            value, depth = stack.pop()
            yield value
            if depth < _DEPTH_AT_MOST:
                stack += [(inner, depth + 1) for inner in _inside(value)]


def _inside(value: Any) -> Iterator[Any]:
    """The values within it; those of other objects come by themselves."""
    import pikepdf  # noqa: PLC0415 -- imported already

    if isinstance(value, pikepdf.Dictionary | pikepdf.Stream):
        held = [value.get(key) for key in value.keys()]  # noqa: SIM118 -- it is no mapping
    elif isinstance(value, pikepdf.Array):
        held = list(value)
    else:
        return
    for inner in held:
        if isinstance(inner, pikepdf.Object) and not inner.is_indirect and _holds(inner, pikepdf):
            yield inner


def _holds(value: Any, pikepdf: Any) -> bool:
    return isinstance(value, pikepdf.Dictionary | pikepdf.Stream | pikepdf.Array)


def _broken() -> RefusedFileError:
    return RefusedFileError("broken-file", "it begins as PDF and can't be read", SAVE_AGAIN)
