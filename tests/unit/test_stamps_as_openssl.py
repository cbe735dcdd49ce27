"""A time-stamp is taken where `openssl ts -verify` takes it, and refused where that refuses it, in every form."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shared.proof.ber import SEQUENCE, Element, element
from shared.proof.timestamping import WrongStampError, answered, checked_token, request_for, roots_of
from tests.support.timestamp_authority import TimestampAuthority

ROOT = "ab" * 32
STAMPING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
BOTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING])
Changed = Callable[[Element], bytes]


def der(tag: int, content: bytes, long: int = 0) -> bytes:
    """`long`: so many octets of length, more than are needed."""
    size = len(content)
    octets = max(long, 0 if size < 0x80 else (size.bit_length() + 7) // 8)
    length = bytes((0x80 | octets,)) + size.to_bytes(octets, "big") if octets else bytes((size,))
    return bytes((tag,)) + length + content


def endless(tag: int, content: bytes) -> bytes:
    return bytes((tag, 0x80)) + content + b"\x00\x00"


def in_pieces(octets: Element, deep: int = 1) -> bytes:
    made = b"".join(der(0x04, octets.content[start : start + 40]) for start in range(0, len(octets.content), 40))
    for _ in range(deep):
        made = endless(0x24, made)
    return made


def members(one: Element) -> list[bytes]:
    return [each.raw for each in one.members]


def with_signed_data(token: Element, parts: list[bytes], made: Callable[[int, bytes], bytes] = der) -> bytes:
    return made(SEQUENCE, token.members[0].raw + made(0xA0, made(SEQUENCE, b"".join(parts))))


def signed_data(token: Element) -> Element:
    return token.members[1].members[0]


def content(token: Element, of: Callable[[Element], bytes]) -> bytes:
    kind, stamped = signed_data(token).members[2].members
    parts = members(signed_data(token))
    parts[2] = endless(SEQUENCE, kind.raw + endless(0xA0, of(stamped.members[0])))
    return with_signed_data(token, parts)


def all_endless(one: Element) -> bytes:
    """But for what is signed."""
    if one.tag not in {SEQUENCE, 0xA0} or (
        one.tag == SEQUENCE and len(one.members) > 2 and one.members[0].tag == SEQUENCE
    ):
        return one.raw
    return endless(one.tag, b"".join(all_endless(each) for each in one.members))


def attributes_endless(token: Element) -> bytes:
    *parts, signers = signed_data(token).members
    fields = [
        endless(0xA0, b"".join(endless(SEQUENCE, attribute.content) for attribute in field.members))
        if field.tag == 0xA0
        else field.raw
        for field in signers.members[0].members
    ]
    made = endless(0x31, endless(SEQUENCE, b"".join(fields)))
    return with_signed_data(token, [*(part.raw for part in parts), made])


def without_certificates(token: Element) -> bytes:
    return with_signed_data(token, [member.raw for member in signed_data(token).members if member.tag != 0xA0])


def attributes_turned(token: Element) -> bytes:
    *parts, signers = signed_data(token).members
    fields = [
        der(0xA0, b"".join(reversed(members(field)))) if field.tag == 0xA0 else field.raw
        for field in signers.members[0].members
    ]
    return with_signed_data(token, [*(part.raw for part in parts), der(0x31, der(SEQUENCE, b"".join(fields)))])


def signers_twice(token: Element) -> bytes:
    *parts, signers = signed_data(token).members
    return with_signed_data(token, [*(part.raw for part in parts), der(0x31, signers.content * 2)])


FORMS: dict[str, Changed] = {
    "as it came": lambda token: token.raw,
    "without end": lambda token: with_signed_data(token, members(signed_data(token)), endless),
    "without end throughout": all_endless,
    "lengths longer than needed": lambda token: with_signed_data(
        token, members(signed_data(token)), lambda tag, content: der(tag, content, 4)
    ),
    "in pieces": lambda token: content(token, in_pieces),
    "in pieces of pieces": lambda token: content(token, lambda octets: in_pieces(octets, 3)),
    "in pieces too deep": lambda token: content(token, lambda octets: in_pieces(octets, 9)),
    "attributes without end": attributes_endless,
    "attributes in another order": attributes_turned,
    "no certificate": without_certificates,
    "two signers": signers_twice,
    "empty": lambda _: b"",
    "not ended": lambda token: with_signed_data(token, members(signed_data(token)), endless)[:-2],
    "digest changed": lambda token: token.raw.replace(stamped_digest(token), bytes(32)),
    "moment changed": lambda token: token.raw.replace(b"Z", b"0", 1),
}


def stamped_digest(token: Element) -> bytes:
    info = element(signed_data(token).members[2].members[1].members[0].content)
    return info.members[2].members[1].content


@dataclass(frozen=True)
class Tokens:
    """Of one authority; `by` has the same thing stamped under a certificate of another kind."""

    authority: TimestampAuthority
    folder: Path

    @property
    def token(self) -> Element:
        return element(self.authority.answer(request_for(ROOT).as_bytes())).members[1]

    def with_chain(self) -> Element:
        """With the root's certificate too."""
        token = self.token
        root = x509.load_pem_x509_certificate(self.authority.root.read_bytes()).public_bytes(Encoding.DER)
        parts = members(signed_data(token))
        parts[3] = der(0xA0, signed_data(token).members[3].content + root)
        return element(with_signed_data(token, parts))

    def by(
        self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, *words: str, info: bytes | None = None
    ) -> Element:
        """`openssl cms` signs what `openssl ts` would not."""
        file, pem = self.folder / "info", self.folder / "signer.pem"
        file.write_bytes(info or signed_data(self.token).members[2].members[1].members[0].octets)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
        command = ["openssl", "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-md", "sha256", "-in", file]
        command += ["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-signer", pem, "-nosmimecap", *words]
        made = subprocess.run(command, check=True, capture_output=True).stdout  # type: ignore[arg-type]
        return element(made)

    def openssl(self, token: bytes) -> bool:
        file, data = self.folder / "token.der", self.folder / "root.bin"
        file.write_bytes(token)
        data.write_bytes(bytes.fromhex(ROOT))
        words = ["openssl", "ts", "-verify", "-data", data, "-in", file, "-token_in", "-CAfile", self.authority.root]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0  # type: ignore[arg-type]

    def ours(self, token: bytes) -> bool:
        try:
            checked_token(token, ROOT, roots_of(self.authority.root.read_bytes()))
        except WrongStampError:
            return False
        return True


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    folder = tmp_path_factory.mktemp("tokens")
    return Tokens(TimestampAuthority(folder / "authority", "Test TSA"), folder)


TAKEN = {"as it came", "without end", "without end throughout", "lengths longer than needed", "in pieces"} | {
    "in pieces of pieces",
    "attributes without end",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_token_in_any_form_is_taken_as_openssl_takes_it(tokens: Tokens, form: str) -> None:
    made = FORMS[form](tokens.token)
    assert tokens.openssl(made) is (form in TAKEN)
    assert tokens.ours(made) is (form in TAKEN)


def test_certificates_stand_in_any_order(tokens: Tokens) -> None:
    token = tokens.with_chain()
    parts = members(signed_data(token))
    for order in permutations(members(signed_data(token).members[3])):
        parts[3] = der(0xA0, b"".join(order))
        made = with_signed_data(token, parts)
        assert tokens.openssl(made)
        assert tokens.ours(made)


def test_what_stands_behind_a_token_is_refused(tokens: Tokens) -> None:
    assert not tokens.ours(tokens.token.raw + b"\x00")


@pytest.mark.parametrize(
    ("status", "taken"),
    [
        (b"\x02\x01\x00", True),
        (b"\x02\x01\x01", True),
        (b"\x02\x01\x01" + der(SEQUENCE, der(0x0C, "정밀도를 낮추었다".encode())), True),
        (b"\x02\x01\x02", False),
        (b"\x02\x01\x03", False),
        (b"\x02\x01\x05", False),
        (b"", False),
    ],
)
def test_granted_with_modifications_is_granted_and_nothing_else_is(tokens: Tokens, status: bytes, taken: bool) -> None:
    request, roots = request_for(ROOT), roots_of(tokens.authority.root.read_bytes())
    token = element(tokens.authority.answer(request.as_bytes())).members[1]
    answer = endless(SEQUENCE, der(SEQUENCE, status) + token.raw)
    if taken:
        assert answered(answer, request, ROOT, roots).token == token.raw
        return
    with pytest.raises(WrongStampError, match="unreadable"):
        answered(answer, request, ROOT, roots)


def signer(
    tokens: Tokens, *extensions: tuple[x509.ExtensionType, bool], ended: bool = False, name: str = "Test TSA"
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    now, key = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1())
    root = x509.load_pem_x509_certificate(tokens.authority.root.read_bytes())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test TSA")]))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now - timedelta(days=1) if ended else now + timedelta(days=1))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(tokens.authority.root_key, hashes.SHA256()), key


def uses(**named: bool) -> x509.KeyUsage:
    none = dict.fromkeys(
        (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
        ),
        False,
    )  # fmt: skip
    return x509.KeyUsage(**none | named)


@pytest.mark.parametrize(
    ("extensions", "words", "taken"),
    [
        ([(STAMPING, True)], ["-cades"], True),
        ([(STAMPING, True), (uses(digital_signature=True), True)], ["-cades"], True),
        ([(STAMPING, True), (uses(content_commitment=True), False)], ["-cades"], True),
        ([(STAMPING, True)], [], False),
        ([(STAMPING, False)], ["-cades"], False),
        ([(BOTH, True)], ["-cades"], False),
        ([], ["-cades"], False),
        ([(STAMPING, True), (uses(digital_signature=True, key_encipherment=True), True)], ["-cades"], False),
        ([(STAMPING, True), (uses(key_cert_sign=True), True)], ["-cades"], False),
    ],
)
def test_a_signer_is_for_time_stamps_alone_and_named_in_what_it_signs(
    tokens: Tokens, extensions: list[tuple[x509.ExtensionType, bool]], words: list[str], taken: bool
) -> None:
    made = tokens.by(*signer(tokens, *extensions), *words).raw
    assert tokens.openssl(made) is taken
    assert tokens.ours(made) is taken


def test_a_signer_that_had_ended_when_it_signed_is_refused(tokens: Tokens) -> None:
    made = tokens.by(*signer(tokens, (STAMPING, True), ended=True), "-cades").raw
    assert not tokens.openssl(made)
    assert not tokens.ours(made)


def test_another_certificate_of_the_same_key_and_number_is_not_the_one_that_is_named(tokens: Tokens) -> None:
    """The signature and the chain hold; ESSCertID does not."""
    token = tokens.token
    (first,) = signed_data(token).members[3].members
    certificate = x509.load_der_x509_certificate(first.raw)
    builder = x509.CertificateBuilder().subject_name(certificate.subject).issuer_name(certificate.issuer)
    builder = builder.public_key(certificate.public_key()).serial_number(certificate.serial_number)
    builder = builder.not_valid_before(certificate.not_valid_before_utc)
    builder = builder.not_valid_after(certificate.not_valid_after_utc + timedelta(days=1))
    again = builder.add_extension(STAMPING, critical=True).sign(tokens.authority.root_key, hashes.SHA256())
    parts = members(signed_data(token))
    parts[3] = der(0xA0, again.public_bytes(Encoding.DER))
    made = with_signed_data(token, parts)
    assert not tokens.openssl(made)
    assert not tokens.ours(made)


@pytest.mark.parametrize(("name", "taken"), [("Test TSA", True), ("TEST  tsa", True), ("Another TSA", False)])
def test_an_authority_that_is_stamped_is_the_one_that_signed(tokens: Tokens, name: str, taken: bool) -> None:
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]).public_bytes()
    certificate, key = signer(tokens, (STAMPING, True))
    info = element(signed_data(tokens.token).members[2].members[1].members[0].octets)
    stamped = der(SEQUENCE, info.content + der(0xA0, der(0xA4, named)))
    made = tokens.by(certificate, key, "-cades", info=stamped).raw
    assert tokens.openssl(made) is taken
    assert tokens.ours(made) is taken


def test_bytes_of_any_kind_are_refused_and_nothing_else_happens(tokens: Tokens) -> None:
    token = tokens.token.raw
    for place in range(0, len(token), 3):
        for octet in (0x00, 0x80, 0x24, 0x30, 0xFF):
            tokens.ours(token[:place] + bytes((octet,)) + token[place + 1 :])
    assert not tokens.ours(b"\x24\x80" * 40_000)
    assert not tokens.ours(b"\x30\x80" * 40_000)
