-- Of each claimed delivery, how far its attempt came: claimed, begun, taken by the receiver. Recording an outcome ends it.
-- After a kill it tells what may have arrived twice. Unlogged, since each message waits for it: a crash of PostgreSQL
-- itself empties it, and then every attempt that was claimed is doubtful.
CREATE UNLOGGED TABLE under_way (delivery uuid PRIMARY KEY, stage text NOT NULL DEFAULT 'claimed') WITH (fillfactor = 50);
