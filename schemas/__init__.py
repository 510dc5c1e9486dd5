"""XML and JSON schemas, signing policies and code tables by version, and a loader.  Imports nothing of ours."""
