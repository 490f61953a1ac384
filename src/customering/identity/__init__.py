"""Who it was: identifiers, the links between them, and the people they add up to."""
