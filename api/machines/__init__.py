"""Which machines serve, and how many decisions wait on the disk of each: reported by themselves, seen by operators."""
