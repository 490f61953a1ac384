"""What came of decisions: the outcomes told of them, and which decision each belongs to."""
