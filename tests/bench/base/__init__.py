"""A base as large as years of use make it: what pages, the API and jobs are measured on."""
