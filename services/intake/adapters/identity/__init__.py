"""Adapters that confirm a firm's identity: the tax service so far; an identity provider may follow."""
