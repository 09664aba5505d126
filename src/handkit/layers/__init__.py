"""Parts that at least two papers use, or that know nothing of their paper: tensors in, tensors out, no files."""
