"""How a network is trained: the loop, and what a run trains on."""
