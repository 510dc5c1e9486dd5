"""The core: model, assessment rules, codecs, PDF, intake, signing policy.  No network, no database, no keys."""
