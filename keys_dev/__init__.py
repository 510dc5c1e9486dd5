"""A PKI for development that announces itself.  Never part of a production installation."""
