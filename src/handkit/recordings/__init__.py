"""Recordings: depth as the camera gave it, its camera, and the hands found, in one MCAP file."""
