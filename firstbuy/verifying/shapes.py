"""Closed shapes of what people hold, in the language of the evidence's own (`services/selection/verify.py`): a member
that is not there, of another kind or of no known name makes it none."""

from typing import Any, Final

from services.selection.verify import UnreadableError, shaped

_SHAPES: Final = """
Receipt    round:round application:uuid version:positive received_at:moment nonce:nonce payload_hash:hash withdrawn:bool
           contested?:bool identity?:identity arrived_at?:moment key_id:line signature:line
           token?:* read_as?:* warnings?:*
Proof      round:round epoch:epoch leaf:(uuid,positive,hash) bucket:count index:count count:positive bucket_path:hash[]
           bucket_root:hash manifest_path:hash[] manifest_root:hash
Pack       pack:line round:PackRound epoch:epoch policy:Policy application:PackApplication verdict:PackVerdict
           findings_in_words:* entry:PackEntry commitments:PackCommitment[] draw:PackDraw result:PackResult
           release:PackRelease? confirmation:PackConfirmation superseded_by:PackNewer? proofs:PackProofs legal_note:*
           limits:* signed:PackSigned
PackRound  round:round title:line opens_at:moment closes_at:moment policy_hash:hash applications:positive rehearsal:bool
           unattended:bool series:round? cut:positive?
PackApplication   application:uuid version:positive nonce:nonce? facts:Facts payload_hash:hash
PackVerdict       epoch:epoch outcome:outcome as_of:day policy_hash:hash findings:Finding[] findings_hash:hash
                  evidence:PackSaid[]?
PackSaid          authority:line answer:* differs?:bool
PackEntry         tickets:tickets score:count? drawn_under:epoch
PackCommitment    round:round epoch:epoch applications_root:hash requests_root:hash verdicts_root:hash entries_root:hash
                  pledges_root:hash policy_hash:hash commitment_root:hash committed_at:moment timestamp:PackStamp?
PackStamp         authority:line token:base64 stamped_at:moment
PackDraw          commitment_root:hash lead_seconds:count source:Source value:PackValue seed:hash tickets:tickets
                  ticket:positive key:hash
PackValue         epoch:epoch source:code value:value due_at:moment recorded_at:moment beacon_round:positive?
                  signature:hex?
PackAward         request:request-id institution:institution institution_name:line? quantity:positive
                  amount_won:positive
PackResult        result:result position:positive standing:positive selected:count reserve:count not_selected:count
                  awards:PackAward[] status_until:moment? selection_root:hash proposed_at:moment
PackRelease       batch:positive batch_root:hash state_hash:hash promoted:count changed:count withdrawn:count
                  proposed_at:moment opened:PackOpened confirmation:PackReleased before:PackBefore
PackOpened        actors:Actor[] reason:line opened_at:moment selection_root:hash
PackReleased      actors:Actor[] reason:line confirmed_at:moment batch:positive batch_root:hash
PackBefore        result:result awards:PackAward[]
PackConfirmation  actors:Actor[] reason:line confirmed_at:moment commitment_root:hash selection_root:hash
PackNewer         epoch:epoch selection_root:hash confirmed_at:moment result:result? reason:reason? position:positive?
                  awards:PackAward[]
PackProofs        application:BucketProof verdict:BucketProof entry:BucketProof result:TreeProof release:TreeProof?
BucketProof       leaf:* bucket:count index:count count:positive bucket_path:hash[] bucket_root:hash
                  manifest_path:hash[] manifest_root:hash
TreeProof         leaf:* index:count count:positive path:hash[] root:hash
PackSigned        algorithm:line key_id:line public_key:hash signature:line
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
        for place, item in enumerate(value):
            _check(plain.removesuffix("[]"), item, f"{path}[{place}]")
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
