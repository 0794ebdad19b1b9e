#!/bin/sh
# Prints the address of the Debian archive that this machine's own apt is set up with.
set -eu
targets=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages')
archive=$(echo "$targets" | sed -n 's/^Debian|Debian|//p' | head -n 1)
# Before the first apt-get update apt cannot tell origins.
[ -n "$archive" ] || archive=$(echo "$targets" | sed -n 's|^.*[|]\(.*/debian/*\)$|\1|p' | head -n 1)
[ -n "$archive" ] || {
  echo "apt on this machine has no Debian archive configured" >&2
  exit 1
}
echo "$archive"
