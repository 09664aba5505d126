"""Studies: trials of recipes, resumable one by one, put together in a table."""
