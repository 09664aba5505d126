"""Looking at hands: rerun's viewer, a window, a video; each takes frames beside their hands."""

from handkit.viewing.opening import open_viewer

__all__ = ["open_viewer"]
