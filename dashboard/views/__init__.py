"""Pages: each picks, reads a frame and draws."""
