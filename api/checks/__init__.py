"""The question and its answer: may this operation go ahead? Reading the request, refusing content, deciding."""
