#!/bin/sh
# Prints the module metadata of the imitated AppStream. Rocky 8 has a default stream of PostgreSQL, which is active without
# anybody's doing and hides PGDG's packages; Rocky 9 has none, and its streams are active only when somebody enables one.
#
#   modules.sh MAJOR
set -eu
major=$1

# module NAME STREAM PROFILE ARTIFACT...
module() {
  echo "---
document: modulemd
version: 2
data:
  name: $1
  stream: \"$2\"
  version: ${major}0100000000000
  context: 489197e6
  arch: x86_64
  summary: $1 $2 module
  description: Stand-in.
  license: {module: [MIT]}
  dependencies:
  - requires: {platform: [el$major]}
  profiles:
    common: {rpms: [$3]}
    server: {rpms: [$3]}
  artifacts:
    rpms:"
  shift 3
  printf '    - %s\n' "$@"
}

# default NAME STREAM PROFILE
default() {
  echo "---
document: modulemd-defaults
version: 1
data:
  module: $1
  stream: \"$2\"
  profiles: {\"$2\": [$3]}"
}

sh "$(dirname "$0")/streams.sh" "$major" | while read -r version release stream; do
  [ -n "$stream" ] || continue
  module postgresql "$stream" postgresql-server "postgresql-0:$version-$release.noarch" \
    "postgresql-server-0:$version-$release.noarch" "postgresql-contrib-0:$version-$release.noarch"
done
if [ "$major" = 8 ]; then
  default postgresql 10 server
  module python36 3.6 python36 'python36-0:3.6.8-38.module_el8+1.noarch'
  default python36 3.6 common
fi
