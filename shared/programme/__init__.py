"""The programme's own reckoning: periods, working days, purchases, certificates, regions."""
