"""The FHIR interactions, free of HTTP: a request in, a response out, the same in a batch as alone."""
