import { readFileSync } from 'node:fs';
import { Client } from 'ssh2';

// Plain connections with ssh2, side by side: the least that any tool built on it takes. Argument: one JSON object.

interface Work {
  hosts: { address: string; port: number }[];
  user: string;
  identityFile: string;
  /** Handshakes at once. */
  cap: number;
  /** Run on every host; without it the connections are only made. */
  command?: string;
  /** What the command reads. */
  input?: string;
}

const { hosts, user, identityFile, cap, command, input } = JSON.parse(process.argv[2] as string) as Work;
const privateKey = readFileSync(identityFile);
const waiting = [...hosts];
await Promise.all(Array.from({ length: Math.min(cap, hosts.length) }, worker));

async function worker(): Promise<void> {
  for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) await visit(host);
}

function visit({ address, port }: Work['hosts'][number]): Promise<void> {
  return new Promise((resolve, reject) => {
    const client = new Client();
    client
      .on('ready', () => {
        if (command === undefined) {
          client.end();
          return;
        }
        client.exec(command, (error, channel) => {
          if (error) {
            reject(error);
            return;
          }
          channel
            .on('exit', (code: number | null) => {
              if (code !== 0) reject(new Error(`${address}: exit code ${code}`));
            })
            .on('close', () => client.end())
            .resume()
            .end(input);
          channel.stderr.resume();
        });
      })
      .on('error', reject)
      .on('close', () => resolve())
      .connect({ host: address, port, username: user, privateKey, readyTimeout: 60_000 });
  });
}
