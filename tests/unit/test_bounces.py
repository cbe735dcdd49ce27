"""What a returned mail says: which notice, and whether the address is no more."""

import pytest

from services.notify.domain.bounces import UnreadableBounceError, bounce

DELIVERY = "0b5ed0a2-6a30-5b3b-9a1f-53a5c07b9c55"


def returned(
    *,
    to: str = "no-reply@f.example",
    status: str = "5.1.1",
    action: str = "failed",
    about: str = "",
    kind: str = "report",
) -> bytes:
    return (
        f"From: MAILER-DAEMON@mx.example\r\nTo: {to}\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; a@b.example\r\nAction: {action}\r\nStatus: {status}\r\n\r\n{about}--b--\r\n"
    ).encode()


HEADERS = f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: x\r\nMessage-ID: <{DELIVERY}@f.example>\r\n\r\n"
WHOLE = f"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\nMessage-ID: <{DELIVERY}@f.example>\r\n\r\ntext\r\n"


@pytest.mark.parametrize(
    "content",
    [returned(to=f"bounces+{DELIVERY}@f.example"), returned(about=HEADERS), returned(about=WHOLE)],
    ids=["by the address it came back to", "by the headers it returns", "by the mail it returns"],
)
def test_the_notice_is_named_by_one_of_three(content: bytes) -> None:
    assert bounce(content).delivery == DELIVERY


@pytest.mark.parametrize(
    ("status", "action", "final", "gone"),
    [
        ("5.1.1", "failed", True, True),
        ("5.1.10", "failed", True, True),
        ("5.2.1", "failed", True, True),
        ("5.2.2", "failed", True, False),
        ("5.7.1", "failed", True, False),
        ("4.4.7", "failed", True, False),
        ("4.4.7", "delayed", False, False),
        ("5.1.1", "delayed", False, False),
    ],
)
def test_only_an_address_that_is_no_more_is_gone(status: str, action: str, final: bool, gone: bool) -> None:
    said = bounce(returned(about=WHOLE, status=status, action=action))
    assert (said.final, said.address_is_gone) == (final, gone)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Subject: x\r\n\r\nan ordinary mail",
        returned(),
        returned(about=WHOLE, action="delivered"),
        b"\xff\x00",
        b"Content-Type: message/rfc822\r\n\r\n" * 30_000,
    ],
)
def test_what_is_no_report_of_ours_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableBounceError):
        bounce(content)
