"""The operator's door: one command line over everything."""
