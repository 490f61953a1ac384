"""What to do next for one person: the candidates, what removed each, the choice and its reasons."""
