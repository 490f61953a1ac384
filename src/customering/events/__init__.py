"""What happened: the event record, the tracking plan, intake, and the log it is appended to."""
