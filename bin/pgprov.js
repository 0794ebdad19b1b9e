#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/src/cli/main.js', import.meta.url);

if (existsSync(main)) {
  // Traces then name the sources, which takes time that nobody wants to lose otherwise.
  process.setSourceMapsEnabled(process.argv.includes('--debug'));
  const { runCli } = await import(main.href);
  // At once, for hosts that were said goodbye to may take their time to answer.
  process.exit(await runCli(process.argv.slice(2)));
} else {
  process.stderr.write('pgprov is not built yet: run `npm install` (or `npm run build`) in its directory\n');
  process.exitCode = 2;
}
