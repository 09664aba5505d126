"""Packed stores: patches of a data set around its hands, read at the speed of a disk."""
