"""A seeded town of people to test, learn and measure on."""
