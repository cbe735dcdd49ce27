"""Why a file is refused, in words for whoever sent it."""

from typing import Final

SAVE_AGAIN: Final = "open it, save it again under another name, and send that"


class RefusedFileError(ValueError):
    """The file is not taken. `code` is more precise on an instance; the message is for whoever sent it."""

    code = "refused-file"

    def __init__(self, code: str, detail: str, fix: str) -> None:
        super().__init__(detail)
        self.code = code
        self.fix = fix


def too_costly(of_what: str) -> RefusedFileError:
    """The refusal of a file that takes too much time or memory to look at."""
    detail = f"it takes more {of_what} to look at than any document of this size"
    return RefusedFileError("too-costly", detail, SAVE_AGAIN)
