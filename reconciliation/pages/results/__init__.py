"""What comparing came to: outcomes, groups, what people decide about them, and the tolerances."""
