#!/bin/sh
# Runs mmdebstrap against the archive, and with the settings, of this machine's own apt.
#
#   debootstrap.sh SUITE TAR OPTION...
set -eu
suite=$1
tar=$2
shift 2
LAB_ARCHIVE=$(sh "$(dirname "$0")/archive.sh")
export LAB_ARCHIVE

# mmdebstrap starts from apt's defaults, so proxies and the like are handed on by hand.
while read -r option; do
  set -- "$@" --aptopt="$option"
done <<OPTIONS
$(apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries )' | sed '/ "";$/d')
Acquire::Languages "none";
OPTIONS

exec mmdebstrap --variant=minbase "$@" \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-include=/usr/share/locale/locale.alias' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  "$suite" "$tar" "$LAB_ARCHIVE"
