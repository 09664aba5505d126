"""Batches of intrinsics, cubes, crops and frames: no learning, no files, torch only."""
