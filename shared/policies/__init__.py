"""Whether a policy can be judged and selected by. Pure; needs no service, so that any of them may ask before it
announces, opens or takes up a round."""
