"""Numbers from samples, each with how far off it may be: intervals, ratios, agreement."""
