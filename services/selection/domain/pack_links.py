"""The link that opens a product's pack: a path with a key, signed by selection and stored nowhere.

Whoever has the link may read the pack and pass it on. The key is an Ed25519 signature, checked against every key ever
published, so a link outlives the signing key. It names the round and application but not the epoch, so an old link
opens the newest result too.
"""

from collections.abc import Iterable
from typing import Final

from shared.proof.canonical import Json
from shared.proof.signing import PublicKey, Signer, verified

_PURPOSE: Final = "firstbuy-pack-link-v1"


def pack_path(signer: Signer, round_id: str, application: str) -> str:
    """A relative reference (RFC 3986) to resolve at selection's address."""
    return f"/rounds/{round_id}/packs/{application}?key={signer.sign(_opened(round_id, application))}"


def opens_pack(key: str, round_id: str, application: str, published: Iterable[PublicKey]) -> bool:
    """True if the key opens this pack. No secret is compared, so timing reveals nothing."""
    return any(verified(_opened(round_id, application), key, public_key.public) for public_key in published)


def _opened(round_id: str, application: str) -> Json:
    return {"purpose": _PURPOSE, "round": round_id, "application": application}
