#!/bin/sh
# Once for each release, before it gets traffic: a backup, if a migration is due and there is something to lose, then the
# migrations, and the web server's login.
set -eu
flask backup create --before-migration
flask db upgrade
flask database logins
flask policies seed
