"""Transcripts: building, replacing and storing their documents."""
