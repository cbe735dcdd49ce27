-- What the matching is done with, as it was committed: a pledge amended or a request cancelled later changes nothing.
ALTER TABLE commitments ADD COLUMN pledges jsonb, ADD COLUMN demands jsonb;
