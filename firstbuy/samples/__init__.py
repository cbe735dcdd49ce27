"""Invented firms and products, as the demo enters them and the simulator makes them up."""
