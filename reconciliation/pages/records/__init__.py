"""Our own billing records: their versions, where they come from, and the days that are closed."""
