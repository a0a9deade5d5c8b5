"""Encrypted files beside the tables: DICOM objects, attachments and genomes."""
