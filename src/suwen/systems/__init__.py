"""The seven rooms; one folder per system, one file per clinical task."""
