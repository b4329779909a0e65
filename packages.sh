#!/usr/bin/env bash
# The Debian packages of the one-machine runtime: a database, PHP, WordPress. No daemon is started.
set -euo pipefail

wanted=(mariadb-server mariadb-client php-cli php-mysql php-xml php-mbstring php-curl php-gd
  wordpress wordpress-theme-twentytwentythree wordpress-theme-twentytwentytwo openssl rsync zstd
  chromium)
missing=()
for package in "${wanted[@]}"; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null |
    grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ -z "${CI:-}" ] && [ -t 0 ]; then
  read -r -p "These Debian packages are needed: ${missing[*]}. Install them now? [Y/n] " answer
  case "${answer:-y}" in [Yy]*) ;; *) echo "Nothing was installed." >&2; exit 1 ;; esac
fi
root=()
[ "$(id -u)" = 0 ] || root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get update -qq
"${root[@]}" apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
