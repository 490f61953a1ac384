"""Who they are now: trait definitions, the fold (live, batch, as-of), and audiences."""
