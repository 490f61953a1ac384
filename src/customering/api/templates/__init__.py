"""The pages of the server, as templates of the standard library; every value is escaped."""
