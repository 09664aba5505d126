"""A licence-free source of labelled depth frames: an articulated hand, poses, scenes, a rasterizer and sensors."""
