-- What registries said of what was judged, as it was published: packs quote it. NULL: none was asked, or from before this.
ALTER TABLE verdicts ADD COLUMN evidence jsonb;
