#!/bin/sh
# Builds the root file system of the mirror's container: nginx, the libraries it needs, and nothing else.
#
#   mirror.sh TAR
set -eu
archive=$(sh "$(dirname "$0")/archive.sh")

# Without maintainer scripts there is no account yet, and nginx looks up the one it runs as.
mmdebstrap --variant=extract --include=nginx \
  --extract-hook='echo root:x:0:0:root:/root:/bin/sh >"$1/etc/passwd"; echo root:x:0: >"$1/etc/group"; mkdir -p "$1/var/log/nginx"' \
  bookworm "$1" "$archive"
