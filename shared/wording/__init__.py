"""Sentences for people, in Korean and in English."""
