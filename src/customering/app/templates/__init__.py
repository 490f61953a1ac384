"""The definition files that `customering init` writes into a new home."""
