"""Parts that at least two papers use: tensors in, tensors out, no cameras and no files."""
