-- When a selection was confirmed, programme time: the status it gives is counted from there, and ended line by line.
ALTER TABLE confirmations ADD COLUMN confirmed_at timestamptz, ADD COLUMN ended_lines integer NOT NULL DEFAULT 0,
    ADD COLUMN status_ended boolean NOT NULL DEFAULT false;
