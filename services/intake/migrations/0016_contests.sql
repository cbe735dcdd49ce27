-- Two parties may enter one firm's product. What was unique is held by each firm's lock, and by the versions before too.
ALTER TABLE applications DROP CONSTRAINT applications_round_business_number_product_key_key;
CREATE INDEX applications_of_firm ON applications (round, business_number);
ALTER TABLE application_versions
    ADD COLUMN contested boolean NOT NULL DEFAULT false,
    ADD COLUMN restated boolean NOT NULL DEFAULT false,
    ADD COLUMN identity text;
