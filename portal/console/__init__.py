"""The operators' console: applications, organizations, documents and the register. What is done here, customers see."""
