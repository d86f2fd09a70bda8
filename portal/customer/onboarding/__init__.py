"""Getting started: the task list from sign-up to the first live decision."""
