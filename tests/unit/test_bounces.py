"""What a returned mail says: which notice, and whether the address is no more."""

import base64

import pytest

from services.notify.domain.bounces import Finding, UnreadableBounceError, bounce
from services.notify.domain.diagnostics import Judgement, judged, server_answer

DELIVERY = "0b5ed0a2-6a30-5b3b-9a1f-53a5c07b9c55"
OURS = "kim@firm.example"
GONE, STANDS, CONTRADICTED = Judgement.GONE, Judgement.STANDS, Judgement.CONTRADICTED
UNCLEAR, ELSEWHERE = Judgement.UNCLEAR, Judgement.ELSEWHERE


def part(kind: str, text: str, *headers: str) -> str:
    return "\r\n".join(["--b", f"Content-Type: {kind}", *headers, "", *text.split("\n"), ""])


def returned(
    *parts: str,
    to: str = "no-reply@f.example",
    status: str | None = "5.1.1",
    action: str | None = "failed",
    recipient: str | None = f"rfc822; {OURS}",
    more: str = "",
    diagnostic: str | None = None,
    kind: str = "message/delivery-status",
) -> bytes:
    stated = {"Final-Recipient": recipient, "Action": action, "Status": status, "Diagnostic-Code": diagnostic}
    fields = "".join(f"{name}: {value}\n" for name, value in stated.items() if value is not None)
    report = part(kind, f"Reporting-MTA: dns; mx.example\n\n{fields}{more}")
    head = (
        f"From: MAILER-DAEMON@mx.example\r\nTo: {to}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    )
    return "".join((head, part("text/plain", "Sorry."), report, *parts, "--b--\r\n")).encode()


ID = f"Message-ID: <{DELIVERY}@f.example>"
HEADERS = part("text/rfc822-headers", f"Subject: x\n{ID}\n")
WHOLE = part("message/rfc822", f"Subject: x\n{ID}\n\ntext")


def about(content: bytes, address: str | None = OURS) -> Finding:
    found = bounce(content)
    assert found.delivery == DELIVERY
    return found.about(address)


@pytest.mark.parametrize(
    "content",
    [
        returned(to=f"bounces+{DELIVERY}@f.example"),
        returned(to=f"Bounces+{DELIVERY.upper()}@F.example"),
        returned(HEADERS),
        returned(WHOLE),
        returned(part("message/rfc822-headers", f"Subject: x\n{ID}\n")),
        returned(part("message/global-headers", f"Subject: 안녕\n{ID}\n")),
        returned(part("message/global", f"Subject: 안녕\n{ID}\n\n본문")),
        returned(part("text/rfc822-headers", f"Subject: x\nMessage-ID:\n <{DELIVERY}@f.example>\n")),
        returned(
            part("message/global-headers", base64.b64encode(ID.encode()).decode(), "Content-Transfer-Encoding: base64")
        ),
        b"From: a@b.example\r\nContent-Type: message/rfc822\r\n\r\n" + returned(WHOLE),
    ],
)
def test_the_notice_is_named_by_where_it_came_back_to_or_by_what_is_returned(content: bytes) -> None:
    assert about(content).judgement is GONE


def test_the_address_it_came_back_to_carries_the_tag_that_proves_it() -> None:
    tagged = bounce(returned(to=f"bounces+{DELIVERY}-0123456789AB@f.example"))
    assert (tagged.delivery, tagged.tag) == (DELIVERY, "0123456789ab")
    assert bounce(returned(HEADERS)).tag is None


@pytest.mark.parametrize(
    ("status", "action", "final", "judgement"),
    [
        ("5.1.1", "failed", True, GONE),
        ("5.1.10", "failed", True, GONE),
        ("5.1.6", "Failed (for good)", True, GONE),
        ("5.2.1", "failed", True, GONE),
        ("5.1.0", "failed", True, STANDS),
        ("5.1.4", "failed", True, STANDS),
        ("5.1.7", "failed", True, STANDS),
        ("5.2.2", "failed", True, STANDS),
        ("5.7.1", "failed", True, STANDS),
        ("4.4.7", "failed", True, STANDS),
        ("4.4.7", "delayed", False, STANDS),
        ("5.1.1", "delayed", False, STANDS),
    ],
)
def test_only_an_address_that_is_no_more_is_gone(status: str, action: str, final: bool, judgement: Judgement) -> None:
    found = about(returned(WHOLE, status=status, action=action))
    assert (found.final, found.judgement, found.status) == (final, judgement, status)


@pytest.mark.parametrize(
    "words",
    [
        "550 5.1.1 <kim@firm.example>: user unknown",
        "550 5.1.1 <KIM@Firm.Example>... User unknown",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the "
        "recipient's email address for typos or 550-5.1.1 unnecessary spaces. 550 5.1.1 "
        "https://support.google.com/mail/?p=NoSuchUser a1-20020a05 - gsmtp",
        "host mx.firm.example[192.0.2.1] said: 550 5.1.1 <kim@firm.example>: Recipient address rejected: User unknown "
        "in relay recipient table (in reply to RCPT TO command)",
        "550 5.1.1 User not listed in public Name & Address Book",
        "550 5.2.1 The email account that you tried to reach is disabled.",
        "550 5.1.1 <kim@firm.example> does not exist",
        "550 5.1.1 The email address you entered couldn't be found",
        "550 5.1.1 가입되지 않은 회원입니다",
        "550 5.1.2 <kim@firm.example>: domain does not exist",
        "550 5.1.1 <kim@firm.example>",
        "550 5.1.1 Requested action not taken: mailbox unavailable",
        "550 5.1.2 Host unknown (Name server: firm.example: host not found)",
        "556 5.1.10 Domain firm.example does not accept mail (nullMX)",
        "550 5.1.1 존재하지 않는 사용자입니다",
        "550 5.1.1 수신자를 찾을 수 없습니다.",
        "550 5.1.1 宛先のメールアドレスが存在しません",
        "550 5.1.1 用户不存在",
        "550 5.1.1 Empfänger unbekannt",
        "550 5.1.1",
        "",
    ],
)
def test_words_that_name_a_mailbox_that_is_not_there_agree(words: str) -> None:
    assert judged("5.1.1", server_answer(f"smtp; {words}"), OURS) is GONE


@pytest.mark.parametrize(
    "words",
    [
        "550-5.1.0 the MailFrom domain is on a blocklist",
        "550 5.1.1 192.0.2.9 may not send for firstbuy.example by its SPF record",
        "550 5.1.1 user unknown; DKIM signature missing",
        "550 5.1.1 Message does not pass DMARC",
        "550 5.1.1 blocked using zen.spamhaus.org",
        "550 5.1.1 Client host [192.0.2.9] is listed",
        "550 5.1.1 your IP has a poor reputation",
        "550 5.1.1 no PTR record, user unknown",
        "550 5.7.1 the address of your server is on a blocklist",
        "550 5.1.1 rejected by policy",
        "550 5.1.1 Recipient address rejected: Access denied",
        "550 5.1.1 relay not permitted",
        "550 5.1.1 sender address does not exist",
        "550 5.1.2 domain firstbuy.example does not exist",
        "550 5.1.1 <kim@firm.example>: unknown host mail.firstbuy.example",
        "550 5.1.1 MAIL.FIRSTBUY.EXAMPLE: host not found",
        "550 5.1.1 user unknown (in reply to MAIL FROM command)",
        "550-5.2.1 this user receives mail at a rate that 550-5.2.1 keeps further messages out for now",
        "550 5.2.1 user unknown, try again later",
        "552 5.2.2 over quota",
        "552 user unknown",
        "550 5.1.1 mailbox full",
        "550 5.1.1 greylisted, user unknown until then",
        "450 4.1.1 user unknown",
        "550 5.1.1 Recipient address rejected: unverified address",
        "550 5.1.1 메일함 용량 초과",
        "550 5.1.1 휴면 계정입니다",
        "550 5.1.1 발신자를 찾을 수 없습니다",
        "550 5.1.1 차단된 IP입니다. 존재하지 않는 사용자",
        "550 5.1.1 メールボックスの容量が一杯です",
        "550 5.1.1 发件人地址不存在",
    ],
)
def test_words_of_us_of_the_moment_or_of_a_full_mailbox_contradict(words: str) -> None:
    assert judged("5.1.1", server_answer(f"smtp; {words}"), OURS) is CONTRADICTED


def test_words_that_nobody_knows_are_unclear_and_those_of_another_address_are_elsewhere() -> None:
    assert judged("5.1.1", server_answer("smtp; 550 5.1.1 no way"), OURS) is UNCLEAR
    assert judged("5.1.1", server_answer("smtp; 550 5.1.1 <bounces@f.example>: user unknown"), OURS) is ELSEWHERE
    assert judged("5.1.1", server_answer("smtp; 550 5.1.1 user unknown, ask postmaster@firm.example"), OURS) is GONE


@pytest.mark.parametrize("address", ["sender@blocked.example", "spam.policy@full.example"])
def test_what_an_address_is_made_of_says_nothing(address: str) -> None:
    assert judged("5.1.1", server_answer(f"smtp; 550 5.1.1 <{address}>: user unknown"), address) is GONE


@pytest.mark.parametrize(
    ("recipient", "more", "judgement"),
    [
        ("rfc822; other@elsewhere.example", "", ELSEWHERE),
        ("rfc822; other@elsewhere.example", f"Original-Recipient: rfc822; {OURS}\n", ELSEWHERE),
        (None, "", ELSEWHERE),
        (None, f"Original-Recipient: rfc822; {OURS}\n", GONE),
        ("x400; /c=kr/o=firm/", "Original-Recipient: rfc822;kim+40firm.example\n", ELSEWHERE),
        ("RFC822;<Kim@FIRM.example> (Kim)", "", GONE),
        (OURS, "", GONE),
        ("utf-8; kim@firm.example", "", GONE),
    ],
)
def test_an_address_is_given_up_only_where_the_report_is_about_it(
    recipient: str | None, more: str, judgement: Judgement
) -> None:
    assert about(returned(WHOLE, recipient=recipient, more=more)).judgement is judgement


@pytest.mark.parametrize("written", ["kim@회사.example", r"kim@\x{D68C}\x{C0AC}.example", "kim@xn--vf4b131b.example"])
def test_a_report_of_rfc_6533_is_read_in_each_way_it_writes_an_address(written: str) -> None:
    report = returned(WHOLE, recipient=f"utf-8; {written}", kind="message/global-delivery-status")
    assert about(report, "kim@회사.example").judgement is GONE


def test_of_several_recipients_ours_is_told_of() -> None:
    more = f"\nFinal-Recipient: rfc822; {OURS}\nAction: failed\nStatus: 5.2.2\n"
    found = about(returned(WHOLE, recipient="rfc822; other@firm.example", more=more))
    assert (found.status, found.judgement) == ("5.2.2", STANDS)


@pytest.mark.parametrize(
    ("diagnostic", "status", "judgement"),
    [
        ("smtp; 550 5.1.1 <kim@firm.example>: user unknown", "5.1.1", GONE),
        ("smtp; 550 User unknown", "5.1.1", GONE),
        ('X-Postfix; unknown user: "kim"', "5.1.1", GONE),
        ("smtp; 550 not here", "5.0.0", STANDS),
        ("smtp; 550 user unknown: blocked", "5.1.1", CONTRADICTED),
        ("smtp; 552 Mailbox full", "5.2.2", STANDS),
        ("smtp; 451 4.7.1 greylisted", "4.7.1", STANDS),
        (None, "5.0.0", STANDS),
    ],
)
@pytest.mark.parametrize("stated", [None, "5.0.0"])
def test_without_a_status_that_says_something_codes_and_words_are_read(
    stated: str | None, diagnostic: str | None, status: str, judgement: Judgement
) -> None:
    found = about(returned(WHOLE, status=stated, diagnostic=diagnostic))
    assert (found.judgement, found.status) == (judgement, status)


@pytest.mark.parametrize(("text", "judgement"), [("Sorry.", GONE), ("552 mailbox is full", CONTRADICTED)])
@pytest.mark.parametrize("diagnostic", [None, "smtp; 550 5.1.1"])
def test_where_a_report_has_no_words_those_beside_it_count(
    diagnostic: str | None, text: str, judgement: Judgement
) -> None:
    report = returned(WHOLE, diagnostic=diagnostic).replace(b"Sorry.", text.encode())
    assert about(report).judgement is judgement


def test_words_beyond_ascii_are_read_as_they_came() -> None:
    report = returned(WHOLE, diagnostic="smtp; 550 5.1.1 용량 초과").decode()
    assert about(report.encode()).judgement is CONTRADICTED
    assert about(report.encode("cp949")).judgement is CONTRADICTED


PLAIN = (
    f"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: bounces+{DELIVERY}@f.example\r\nSubject: mail\r\n\r\n"
)
QMAIL = """Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<kim@firm.example>:
{words}

--- Below this line is a copy of the message.

Return-Path: <bounces@f.example>
Subject: mailbox full
"""
EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  kim@firm.example
    host mx.firm.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<kim@firm.example>:
    {words}

------ This is a copy of the message, including all the headers. ------
"""
EXIM_WAITS = """A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.

  kim@firm.example
    Delay reason: {words}

No action is required on your part. Delivery attempts will continue for
some time.
"""
SENDMAIL = """   ----- The following addresses had permanent fatal errors -----
<kim@firm.example>
    (reason: {words})

   ----- Transcript of session follows -----
>>> RCPT To:<kim@firm.example>
"""
KOREAN = """메일이 전송에 실패하여 반송되었습니다.

받는 사람: kim@firm.example
실패 사유: {words}
"""


@pytest.mark.parametrize(
    ("text", "words", "final", "status", "judgement"),
    [
        (QMAIL, "Sorry, no mailbox here by that name. (#5.1.1)", True, "5.1.1", GONE),
        (QMAIL, "192.0.2.1 does not like recipient.\nRemote host said: 550 User unknown", True, "5.1.1", GONE),
        (QMAIL, "The user's mailbox is over quota. (#5.2.2)", True, "5.2.2", STANDS),
        (QMAIL, "Remote host said: 550 5.1.1 your IP is blocked", True, "5.1.1", CONTRADICTED),
        (QMAIL, "I'm not going to try again; this message has been in the queue too long.", True, "5.0.0", STANDS),
        (EXIM, "550 5.1.1 <kim@firm.example>: User unknown", True, "5.1.1", GONE),
        (EXIM, "550 5.1.1 <other@firm.example>: User unknown", True, "5.1.1", ELSEWHERE),
        (EXIM, "550 5.7.1 blocked using a blocklist", True, "5.7.1", STANDS),
        (EXIM_WAITS, "451 4.7.1 greylisted", False, "4.7.1", STANDS),
        (SENDMAIL, "550 5.1.1 <kim@firm.example>: User unknown", True, "5.1.1", GONE),
        (KOREAN, "550 5.1.1 존재하지 않는 계정입니다.", True, "5.1.1", GONE),
        (KOREAN, "550 5.1.1 용량 초과", True, "5.1.1", CONTRADICTED),
    ],
)
def test_a_text_that_a_mail_server_wrote_for_people_is_read(
    text: str, words: str, final: bool, status: str, judgement: Judgement
) -> None:
    found = about((PLAIN + text.format(words=words)).encode())
    assert (found.final, found.status, found.judgement) == (final, status, judgement)


@pytest.mark.parametrize("attached", ["message/rfc822", "text/plain"])
def test_a_text_with_the_mail_beside_it_is_read(attached: str) -> None:
    head = PLAIN.rstrip() + '\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    text = part("text/plain", SENDMAIL.format(words="550 5.1.1 User unknown"))
    mail = part(attached, f"{ID}\nSubject: your mailbox is full\n\nbody")
    assert about((head + text + mail + "--b--\r\n").encode()).judgement is GONE


def test_an_address_that_is_not_known_any_more_is_not_judged() -> None:
    assert about(returned(WHOLE), None).judgement is STANDS


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Subject: x\r\n\r\nan ordinary mail",
        returned(),
        returned(WHOLE, action="delivered"),
        returned(WHOLE, action=None, status=None),
        returned(WHOLE, action=None, status="4.4.1"),
        PLAIN.encode() + b"I am out of the office until Monday.",
        PLAIN.replace("MAILER-DAEMON", "lee").replace("<>", "lee@x.example").encode() + b"550 5.1.1 user unknown",
        PLAIN.replace(DELIVERY, "x").encode() + QMAIL.encode(),
        PLAIN.rstrip().encode()
        + b'\r\nContent-Type: multipart/report; report-type=disposition-notification;boundary="b"'
        b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered\r\n--b--\r\n",
        b"\xff\x00",
        b"Content-Type: message/rfc822\r\n\r\n" * 30_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 5_000,
    ],
)
def test_what_is_no_report_of_ours_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableBounceError):
        bounce(content)
