"""What they want: the next basket, what to discover, and why, learned from days of purchase."""
