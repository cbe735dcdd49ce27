"""Checks whether applications can be judged and selected under a policy. Pure, so that every service may check before
it announces, opens or reads a round."""
