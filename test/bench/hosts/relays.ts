import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { LabHost } from '../../lab/index.js';
import type { Endpoint } from '../contenders/contender.js';
import { track } from '../lib/child-processes.js';
import type { RelayOptions, Traffic } from '../lib/relay.js';
import { programFile } from '../lib/program.js';

/** Relays in front of hosts' sshd. */
export interface Relays {
  /** Where each host is reached through its relay, by name. */
  through: ReadonlyMap<string, Endpoint>;
  /** The connections of each host, in the order of the hosts, since the last time it was asked. */
  traffic(): Promise<Traffic[][]>;
  close(): Promise<void>;
}

/** Starts a relay for each host, in one process that does nothing else. `delay`: added round-trip time in milliseconds. */
export async function startRelays(hosts: readonly LabHost[], delay: number): Promise<Relays> {
  const options = hosts.map(({ address }): RelayOptions => ({ address, port: 22, delay }));
  const child = track(
    spawn(process.execPath, [programFile('relay'), ...options.map((one) => JSON.stringify(one))], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    }),
  );
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the relays have no pipes');
  const answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const answer = async <T>(): Promise<T> => {
    const { value, done } = await answers.next();
    if (done === true) throw new Error('the relays ended');
    return JSON.parse(value as string) as T;
  };
  const ports = await answer<number[]>();
  return {
    through: new Map(hosts.map(({ name }, index) => [name, { address: '127.0.0.1', port: ports[index] as number }])),
    traffic: () => {
      stdin.write('\n');
      return answer<Traffic[][]>();
    },
    close: () =>
      new Promise((resolve) => {
        child.on('exit', () => resolve());
        stdin.end();
      }),
  };
}
