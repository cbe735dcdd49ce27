"""Version hashes of a round's public answers: while the hash is unchanged, cached answers are valid.

The hash covers everything that answers depend on. Lines, entries, requests and verdicts are covered by published roots,
and names by the facts that a commitment sealed.
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
    """The version of the round's evidence and result lines."""
    version: str = await connection.fetchval(RESULT, round_id)
    return version


async def of_open_data(connection: Connection, round_id: str) -> str:
    """The version of the round's open data."""
    version: str = await connection.fetchval(OPEN_DATA, round_id)
    return version
