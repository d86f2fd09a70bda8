"""`python -m api.smoke URL KEY`: the same as `flask smoke`, with no settings and no database on this machine."""

from api.smoke.cli import smoke

if __name__ == "__main__":
    smoke()
