"""The link that opens a product's pack: a path with a key in it, made with selection's signing key and stored nowhere.

Whoever holds the link may read the pack and hand it on. The key is a signature (Ed25519), which nobody else can make
and which any key ever published can check: a link outlives the key that made it. It names round and application, not
the epoch, so that an old link opens the newest result too, and says what became of the one it was told with.
"""

from collections.abc import Iterable
from typing import Final

from shared.proof.canonical import Json
from shared.proof.signing import PublicKey, Signer, verified

_PURPOSE: Final = "firstbuy-pack-link-v1"


def pack_path(signer: Signer, round_id: str, application: str) -> str:
    """A reference (RFC 3986) to be resolved at selection's address."""
    return f"/rounds/{round_id}/packs/{application}?key={signer.sign(_opened(round_id, application))}"


def opens_pack(key: str, round_id: str, application: str, published: Iterable[PublicKey]) -> bool:
    """Whether the key is of this pack. There is no secret to compare it with, so time tells nothing."""
    return any(verified(_opened(round_id, application), key, public_key.public) for public_key in published)


def _opened(round_id: str, application: str) -> Json:
    return {"purpose": _PURPOSE, "round": round_id, "application": application}
