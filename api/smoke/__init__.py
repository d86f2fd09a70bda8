"""A walk through a running installation from outside, by HTTP alone: from no key to the limit of one."""
