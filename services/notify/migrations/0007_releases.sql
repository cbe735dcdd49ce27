-- A batch of a release decides within an epoch; 0: the epoch's own result.
ALTER TABLE decisions ADD COLUMN batch integer NOT NULL DEFAULT 0, DROP CONSTRAINT decisions_pkey,
    ADD PRIMARY KEY (application, epoch, batch);
