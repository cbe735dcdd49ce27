"""Closed shapes of what people hold, in the language of the evidence's own (`services/selection/verify.py`): a member
that is not there, of another kind or of no known name makes it none."""

from typing import Any, Final

from services.selection.verify import UnreadableError, shaped

_SHAPES: Final = """
Receipt    round:round application:uuid version:positive received_at:moment nonce:nonce payload_hash:hash withdrawn:bool
           contested?:bool identity?:identity key_id:line signature:line token?:* read_as?:* warnings?:*
Proof      round:round epoch:epoch leaf:(uuid,positive,hash) bucket:count index:count count:positive bucket_path:hash[]
           bucket_root:hash manifest_path:hash[] manifest_root:hash
"""
"""As SHAPES of the verifier: `*` is anything. A kind that is no shape here is one of the verifier's."""


def _members() -> dict[str, dict[str, str]]:
    """Kinds of members, by shape."""
    found: dict[str, dict[str, str]] = {}
    name = ""
    for word in _SHAPES.split():
        member, colon, kind = word.partition(":")
        if colon:
            found[name][member] = kind
        else:
            name = word
            found[name] = {}
    return found


_MEMBERS: Final = _members()


def shape_fault(kind: str, value: Any) -> str | None:
    """What of the value is not of that shape; None where nothing is."""
    try:
        _check(kind, value, kind)
    except UnreadableError as error:
        return str(error)
    except (RecursionError, UnicodeError):
        return f"{kind} holds what no JSON of ours has"
    return None


def _check(kind: str, value: Any, path: str) -> None:
    if kind == "*" or (kind.endswith("?") and value is None):
        return
    plain = kind.removesuffix("?")
    if plain.removesuffix("[]") not in _MEMBERS:
        shaped(plain, value, path)
    elif plain.endswith("[]"):
        if type(value) is not list:
            raise UnreadableError("malformed", f"{path}: it is no list")
        for place, one in enumerate(value):
            _check(plain.removesuffix("[]"), one, f"{path}[{place}]")
    else:
        _check_members(plain, value, path)


def _check_members(name: str, value: Any, path: str) -> None:
    if type(value) is not dict:
        raise UnreadableError("malformed", f"{path}: it is no object")
    members = _MEMBERS[name]
    for member, kind in members.items():
        own = member.removesuffix("?")
        if own in value:
            _check(kind, value[own], f"{path}.{own}")
        elif own == member:
            raise UnreadableError("malformed", f"{path}: {own} is not there")
    unknown = sorted(value.keys() - {member.removesuffix("?") for member in members})
    if unknown:
        raise UnreadableError("malformed", f"{path}: {unknown[0]!r} is no member of it")
