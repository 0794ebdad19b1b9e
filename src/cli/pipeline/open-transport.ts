import type { Host } from '../../model/index.js';
import { columnsOf } from '../../report/width.js';
import { SshTransport } from '../../transport/ssh.js';
import type { Transport } from '../../transport/transport.js';
import { colors } from '../colors.js';
import { hasTerminal } from '../hidden-prompt.js';
import { keySourcesFor } from '../ssh-passwords.js';

/**
 * How hosts are reached. At a terminal a person is asked for the passphrases that they need, and about keys of hosts that are not known. That is
 * written to stderr, as stdout may have a command's answer.
 */
export async function openTransport(hosts: readonly Host[]): Promise<Transport> {
  const transport = new SshTransport(await keySourcesFor(hosts));
  if (hasTerminal()) {
    const [{ askAboutHostKeys }, { confirm }] = await Promise.all([import('../host-key-question.js'), import('./confirm.js')]);
    const { stderr } = process;
    await askAboutHostKeys(hosts, transport, {
      color: colors(stderr),
      columns: columnsOf(stderr),
      show: (text) => void stderr.write(text),
      confirm: (question) => confirm(question, undefined, stderr),
    });
  }
  return transport;
}
