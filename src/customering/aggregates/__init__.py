"""Sums that merge: each aggregate has one Python step and one SQL form that agree."""
