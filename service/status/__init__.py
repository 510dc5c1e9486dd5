"""Status of issued documents: look-up, recall, the signed status file."""
