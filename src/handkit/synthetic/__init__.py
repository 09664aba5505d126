"""A license-free source of labeled depth frames: an articulated hand, poses, scenes, a rasterizer and sensors."""
