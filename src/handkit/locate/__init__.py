"""Where hands could be in a whole depth image. numpy and OpenCV only."""
