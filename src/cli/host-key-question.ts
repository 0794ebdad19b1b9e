import { ExitCode, PgprovError } from '../lib/errors.js';
import { toTarget, type Host } from '../model/index.js';
import { makePaint } from '../report/paint.js';
import { renderTable } from '../report/table.js';
import { count, listNames } from '../report/words.js';
import type { Transport } from '../transport/transport.js';
import { findStrangers, recordKeys, type Stranger } from '../transport/unknown-keys.js';

/** How a person is shown something and asked. */
export interface KeyQuestion {
  color: boolean;
  /** Of the terminal. */
  columns: number;
  show(text: string): void;
  /** Asks for a plain yes. */
  confirm(question: string): Promise<boolean>;
}

/**
 * Shows the keys of all hosts that are not known, in one block, and asks about them once; jump hosts come before what is behind them. Those that
 * are agreed to are written down.
 * @throws PgprovError `ssh/host-keys-declined` for a no
 */
export async function askAboutHostKeys(hosts: readonly Host[], transport: Transport, how: KeyQuestion): Promise<void> {
  const targets = hosts.map(toTarget);
  for (;;) {
    const strangers = await findStrangers(targets, transport);
    if (strangers.length === 0) return;
    how.show(`${keysText(strangers, how)}\n\n`);
    const keys = strangers.length === 1 ? 'Is this key right' : `Are these ${strangers.length} keys right`;
    if (!(await how.confirm(`${keys}, and to be written to ${filesOf(strangers)}?`))) throw declined(strangers);
    await recordKeys(strangers);
  }
}

function keysText(strangers: readonly Stranger[], { color, columns }: KeyQuestion): string {
  const paint = makePaint(color);
  const table = renderTable(
    [
      { title: 'host', cells: strangers.map(({ host, isJumpHost }) => (isJumpHost ? 'jump host' : host)) },
      { title: 'known as', cells: strangers.map(({ name }) => name) },
      { title: 'key', cells: strangers.map(({ type }) => type) },
      { title: 'fingerprint', cells: strangers.map(({ fingerprint }) => fingerprint) },
    ],
    paint.quiet,
    columns,
  );
  const shown = `${count(strangers.length, 'host shows a key', 'hosts show keys')} that no known_hosts file has:`;
  return [
    paint.strong(shown),
    '',
    ...table,
    '',
    'Compare the fingerprints with what this prints on the console of each host:',
    '  for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf "$key"; done',
  ].join('\n');
}

function filesOf(strangers: readonly Stranger[]): string {
  return listNames([...new Set(strangers.map(({ file }) => file))]);
}

function declined(strangers: readonly Stranger[]): PgprovError {
  return new PgprovError({
    kind: 'ssh/host-keys-declined',
    message: `the host keys were not accepted: ${listNames(strangers.map(({ host }) => host))}`,
    hint: 'nothing was changed, and no key was recorded',
    exitCode: ExitCode.interrupted,
  });
}
