"""Pages for people: the QR's page, the page to upload a file, the report."""
