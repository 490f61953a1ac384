"""The doors for machines: collect, decide, and everything a program may ask."""
