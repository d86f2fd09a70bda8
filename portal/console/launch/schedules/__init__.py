"""The four-week plan and the watch after a go-live: tasks with dates and owners, ticked off by name."""
