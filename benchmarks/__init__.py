"""How fast the work around a key is, measured as ratios to controls of the same run."""
