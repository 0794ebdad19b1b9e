#!/bin/sh
# Builds the root file system of an S3 server: OpenStack Swift, which speaks S3 by its middleware s3api.
#
#   rootfs.sh TAR
set -eu
exec sh "$(dirname "$0")/../debootstrap.sh" bookworm "$1" --aptopt='APT::Install-Recommends "false"' \
  --include=swift-proxy,swift-account,swift-container,swift-object,memcached \
  --customize-hook="copy-in '$(dirname "$0")/serve.sh' /"
