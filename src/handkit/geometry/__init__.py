"""Cameras, cubes, crops, skeletons: no learning, no files, torch only."""
