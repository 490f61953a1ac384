"""customering: one live profile, one status and the next best step for every single customer."""
