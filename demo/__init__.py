"""The demonstration: an invented school, and the main job done with it from import to verification."""
