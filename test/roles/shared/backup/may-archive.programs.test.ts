import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { mayArchive } from '../../../../roles/shared/backup/may-archive.js';
import { freshDirectory } from '../../../support/directory.js';
import { contextOf, inventoryOf } from '../../../support/inventory.js';
import { MadeUpHost } from '../../../support/made-up-host.js';

const REPOSITORY = '  repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}\n';
const SINGLE = `cluster: demo\nroles: [base, pgdg, postgresql, backup]\nhosts:\n  pg1: 192.0.2.1\n${REPOSITORY}`;
const MEMBER = `cluster: demo\nroles: [base, pgdg, postgresql, replication, etcd, patroni, backup]\nhosts:\n  pg1: 192.0.2.1\n${REPOSITORY}`;

describe('whether WAL may be archived since a restart, as a repository host sees it', () => {
  const work = freshDirectory();

  const may = async (yaml: string, programs: Record<string, string>): Promise<boolean> => {
    const made = new MadeUpHost({
      root: work.path,
      programs: { runuser: 'shift 3; "$@"', timeout: 'shift 3; "$@"', curl: 'exit 7', ...programs },
    });
    const { text } = made.script(mayArchive(contextOf(await inventoryOf(yaml), 'repo1')));
    return spawnSync('sh', ['-c', text]).status === 0;
  };

  it.each<{ title: string; yaml: string; programs: Record<string, string>; is: boolean }>([
    {
      title: 'no, while pgBackRest finds archive_mode off on a server without Patroni',
      yaml: SINGLE,
      programs: { pgbackrest: 'exit 87' },
      is: false,
    },
    {
      title: 'yes, where pgBackRest finds all in order',
      yaml: SINGLE,
      programs: { pgbackrest: 'case "$*" in *check) ;; *) exit 1 ;; esac' },
      is: true,
    },
    {
      title: 'no, while Patroni’s leader waits for a restart',
      yaml: MEMBER,
      programs: { curl: `echo '{"pending_restart": true, "role": "primary"}'`, pgbackrest: ':' },
      is: false,
    },
    { title: 'yes, when it waits for none', yaml: MEMBER, programs: { curl: `echo '{"role": "primary"}'`, pgbackrest: ':' }, is: true },
    {
      title: 'yes, when WAL has arrived',
      yaml: MEMBER,
      programs: { pgbackrest: `echo '[{"archive":[{"max":"000000010000000000000001"}]}]'` },
      is: true,
    },
  ])('is $title', async ({ yaml, programs, is }) => expect(await may(yaml, programs)).toBe(is));
});
