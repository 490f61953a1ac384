"""Wiring: settings, the home folder, and building every object once."""
