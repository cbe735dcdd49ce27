"""What the public answers about a round are made of, as one hash: while it stands, so do they.

Everything else they show follows from what is named here: lines, entries, requests and verdicts from the roots, which
were published; names from the facts that a commitment sealed.
"""

from shared.service.postgres import Connection

_HASH = "SELECT encode(sha256(convert_to(jsonb_build_array({})::text, 'UTF8')), 'hex')"
_RESULT = """
    (SELECT jsonb_agg(event ORDER BY event) FROM chronicle WHERE round = $1),
    (SELECT jsonb_build_array(epoch, judged_epoch, policy_hash, void) FROM rounds WHERE round = $1),
    (SELECT jsonb_agg(jsonb_build_array(epoch, body->>'commitment_root') ORDER BY epoch)
     FROM commitments WHERE round = $1),
    (SELECT jsonb_agg(jsonb_build_array(epoch, body->>'selection_root') ORDER BY epoch)
     FROM proposals WHERE round = $1),
    (SELECT jsonb_agg(jsonb_build_array(epoch, selection_root, confirmed_at, batch) ORDER BY epoch)
     FROM confirmations WHERE round = $1),
    (SELECT jsonb_agg(jsonb_build_array(epoch, batch, body->>'batch_root', confirmed_at, confirmed_root)
                      ORDER BY epoch, batch) FROM releases WHERE round = $1)
"""
# Both tables only grow.
_REPORTS = """,
    (SELECT count(*) FROM purchase_reports WHERE round = $1), (SELECT count(*) FROM institution_names)
"""
RESULT = _HASH.format(_RESULT)
OPEN_DATA = _HASH.format(_RESULT + _REPORTS)


async def of_result(connection: Connection, round_id: str) -> str:
    """Of the evidence and the lines of every result of the round."""
    version: str = await connection.fetchval(RESULT, round_id)
    return version


async def of_open_data(connection: Connection, round_id: str) -> str:
    """Of the round's releases and of those of its purchases."""
    version: str = await connection.fetchval(OPEN_DATA, round_id)
    return version
