#!/bin/sh
# Once for each release, before it gets traffic: a backup, if there is something to back up, then the migrations.
set -eu
before=$(flask db current 2>/dev/null)
if [ -n "$before" ]; then
    flask backup create
fi
flask db upgrade
flask policies seed
