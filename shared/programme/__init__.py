"""The programme's own rules: periods, working days, purchases, certificates, regions."""
