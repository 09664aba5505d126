"""The public data sets as their authors published them, read into one frame of axes and units."""
