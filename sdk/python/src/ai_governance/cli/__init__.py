"""The command line `aig`."""
