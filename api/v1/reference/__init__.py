"""The API described: one OpenAPI 3.1 document, made from the types that validate, and pages to read it on."""
