import { expect, it } from 'vitest';
import { backupAdvice } from '../../../../roles/shared/backup/trouble.js';
import { inventoryOf } from '../../../support/inventory.js';

const inventory = await inventoryOf(`cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
hosts:
  pg1: 192.0.2.1
  repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}
`);

// As pgBackRest 2.55 says it.
it.each<{ title: string; words: string; advice: RegExp }>([
  {
    title: 'a disk that is full, with its reason',
    words: "[041]: unable to write '/var/lib/pgbackrest/x': [28] No space left on device",
    advice:
      /^make room where the repository is, .* lower `retention_full` .*`pgprov backup .*` expires what is beyond it before it begins/u,
  },
  {
    title: 'a compressed file that cannot be written, without a reason',
    words:
      "[064]: raised from local-2 protocol: unable to write '/var/lib/pgbackrest/backup/demo/20261129-124034F/pg_data/base/5/16404.gz'",
    advice: /^see with `df` whether the disk is full where that file is; if so, make room/u,
  },
  {
    title: 'a repository that the asynchronous process does not reach, of which doctor is asked and must not name itself',
    words: "[082]: unable to push WAL file '0000000200000000000000B3' to the archive asynchronously after 60 second(s)",
    advice: /^see that every repository host is up and answers \(`pgprov backups .*\); .*demo-archive-push-async\.log/u,
  },
  {
    title: 'a backup for which WAL does not arrive',
    words: '[082]: WAL segment 000000020000000100000014 was not archived before the 60000ms timeout',
    advice: /^WAL does not arrive in the repository, see `pgprov doctor/u,
  },
  { title: 'a host that says nothing', words: 'pgBackRest gave no answer in time', advice: /^see that the host that it names is up/u },
])('says what to do about $title', ({ words, advice }) => {
  expect(backupAdvice(words, inventory)).toMatch(advice);
});
