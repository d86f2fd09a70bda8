"""What operators do with a suspicion: into the breach room, or an answer why not. Needs the system's scope."""
