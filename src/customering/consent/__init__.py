"""May we: the purposes, what each person allowed or refused, and the one gate that decides."""
