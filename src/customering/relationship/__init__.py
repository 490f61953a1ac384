"""How we stand with one person: value, being alive as a customer, and the one status."""
