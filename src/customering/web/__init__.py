"""What the doors share: keys at the door, limits, and signatures of webhooks."""
