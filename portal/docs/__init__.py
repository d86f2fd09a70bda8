"""Help: articles, and checks that look at the reader's own set-up."""
