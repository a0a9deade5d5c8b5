"""The patient record: a FHIR R4 store, encrypted per patient, with a ledger nobody can rewrite unseen."""
