"""handkit: 3D hand pose from one depth frame, joints in millimetres."""
