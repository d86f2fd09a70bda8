#!/bin/sh
# Once for each release, before it gets traffic: a backup, unless the database is empty, then the migrations, and the web
# server's login.
set -eu
flask backup create --before-release
flask db upgrade
flask database logins
flask policies seed
