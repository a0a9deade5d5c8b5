"""Import and export of whole records."""
