"""Files of the field, read into the house's own types."""
