#!/bin/sh
# All tests, from a fresh clone: sets the machine up, reads the code with the linter, builds pgprov, runs the unit and the integration tests.
# Arguments go to vitest, e.g. `npm test -- --project unit` or `npm test -- debian13`. What else a run does is in test/runner.
set -eu
cd "$(dirname "$0")/.."
echo 'npm test: needs Debian as root, or a machine with Docker, mmdebstrap and OpenSSH set up; see test/setup.sh'
sh test/setup.sh tests
npm run --silent lint
npm run --silent build
exec npx --no-install vitest run "$@"
