#!/bin/sh
# From a fresh clone to a running cluster: sets the machine up, starts three hosts, and lets pgprov do its work.
set -eu
cd "$(dirname "$0")/.."
sh test/setup.sh full
npm run --silent build
exec npx --no-install tsx test/demo.ts "$@"
