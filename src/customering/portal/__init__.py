"""The person's own page: see, correct, allow, refuse, say what they want, take along, erase."""
