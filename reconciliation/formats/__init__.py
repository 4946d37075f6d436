"""What the files look like: the columns of every kind under all their names, and how a header tells its kind."""
