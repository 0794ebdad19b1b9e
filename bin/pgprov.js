#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/src/cli/main.js', import.meta.url);

if (existsSync(main)) {
  const { runCli } = await import(main.href);
  process.exitCode = await runCli(process.argv.slice(2));
} else {
  process.stderr.write('pgprov is not built yet: run `npm install` (or `npm run build`) in its directory\n');
  process.exitCode = 2;
}
