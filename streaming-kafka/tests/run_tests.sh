#!/bin/sh
# Runs the tests of this part against real servers, which vitest starts and stops itself. Works from any folder; arguments
# go to vitest: run_tests.sh -t 'killed'
set -eu

tests=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
root=$(dirname -- "$(dirname -- "$tests")")
part=$(basename -- "$(dirname -- "$tests")")
node=$root/node_modules/.bin/node

if [ ! -x "$node" ] || [ ! -e "$root/node_modules/vitest/vitest.mjs" ]; then
  echo "Nothing is installed yet: run \`npm ci\` in $root first." >&2
  exit 2
fi

cd -- "$root"
exec "$node" --import ./scripts/require-node.mjs node_modules/vitest/vitest.mjs run --project "$part" "$@"
