"""Where it is asked whether somebody is a firm: the tax service so far; an identity provider can be another."""
