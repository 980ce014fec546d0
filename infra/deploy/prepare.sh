#!/bin/sh
# Makes the secrets compose.yaml names, once, and the folder for backups. Run it again at will: it keeps what is there.
set -eu
umask 077
cd "$(dirname "$0")"

mkdir -p secrets backups
# The containers run as user id 1000. Where this is not run by that user or root, give it the folder yourself.
if [ "$(id -u)" = 0 ]; then chown 1000:1000 backups; fi

random() { head -c 32 /dev/urandom | base64 | tr -d '/+=\n'; }

keep() {
  [ -s "secrets/$1" ] || printf '%s\n' "$2" > "secrets/$1"
  # Read by other users inside the containers; on this machine the folder keeps them out.
  chmod 444 "secrets/$1"
}

keep database-password "$(random)"
keep database-url "postgres://telltale:$(cat secrets/database-password)@database:5432/telltale"
keep platform-secret "$(random)"
keep admin-password "$(random | cut -c 1-20)"

echo "secrets are in $(pwd)/secrets; user admin, password $(cat secrets/admin-password)"
