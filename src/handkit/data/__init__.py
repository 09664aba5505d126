"""Labelled data and its augmentation."""
