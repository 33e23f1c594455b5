"""Where everything lies: one home folder with a SQLite database and content-addressed blobs."""
