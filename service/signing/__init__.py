"""Signing stored documents: one person's open slots, the seal, and what is kept beside each signature."""
