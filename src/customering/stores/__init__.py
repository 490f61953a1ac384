"""Where state lives: adapters that keep the log, the history and derived state in files."""
