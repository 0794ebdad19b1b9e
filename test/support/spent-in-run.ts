import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { RunEvent } from '../../src/events.js';
import { readJsonLines } from './lines.js';
import { spent } from './spent.js';

/** Stages that hardly do anything but wait for a package manager. */
const PACKAGE_STAGES = /^(?:base\/prepare|pgdg\/repository|[\w-]+\/packages)$/u;

/**
 * Notes what runs of pgprov spent on packages and on waiting at gates, from the journals that they left.
 *
 * @param args of pgprov; journals are kept beside the inventory, which is among them
 * @param since when it was started, milliseconds since 1970
 */
export function noteSpent(args: readonly string[], since: number): void {
  const directories = new Set(args.filter((word) => /\.ya?ml$/u.test(word)).map((file) => join(dirname(resolve(file)), '.pgprov')));
  for (const store of [...directories].filter((path) => existsSync(path))) {
    const files = readdirSync(store, { recursive: true, encoding: 'utf8' }).filter((name) => /(?:^|\/)runs\/[^/]+\.jsonl$/u.test(name));
    for (const file of files.map((name) => join(store, name)))
      if (statSync(file).mtimeMs >= since) noteJournal(readFileSync(file, 'utf8'), since);
  }
}

function noteJournal(text: string, since: number): void {
  for (const event of readJsonLines(text) as (RunEvent & { at: string })[]) {
    const ended = Date.parse(event.at);
    if (ended < since) continue;
    if (event.type === 'step-end' && PACKAGE_STAGES.test(event.stage)) spent('packages', ended - event.ms, ended);
    else if (event.type === 'waited') spent('waiting', ended - event.ms, ended);
  }
}
