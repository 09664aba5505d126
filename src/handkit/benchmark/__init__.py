"""How fast: the whole way from a frame to its hands, a live session, the networks alone; on this machine."""
