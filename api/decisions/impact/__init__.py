"""Impact of a draft: every decision of some time judged again by the draft and by the version it is based on."""
