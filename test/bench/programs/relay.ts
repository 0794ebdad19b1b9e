import { createInterface } from 'node:readline';
import { startRelay, type Relay, type RelayOptions } from '../lib/relay.js';

// A process of its own, so that nothing else that is measured slows the relays down. Arguments: one JSON object of
// `RelayOptions` a relay. Prints their ports; then, for every line on stdin, what came through since the line before.

const options = process.argv.slice(2).map((text) => JSON.parse(text) as RelayOptions);
const relays: Relay[] = await Promise.all(options.map(startRelay));
print(relays.map(({ port }) => port));
for await (const _ of createInterface({ input: process.stdin })) print(relays.map(({ connections }) => connections.splice(0)));
await Promise.all(relays.map((relay) => relay.close()));

function print(answer: unknown): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
