"""Bytes on disk: files written whole, PNGs, tables of numbers."""
