import { describe, expect, it } from 'vitest';
import { wholeStep } from '../../../src/operations/shared/restore/whole.js';
import type { RestoreOptions } from '../../../src/operations/shared/restore/seen.js';
import { freshDirectory } from '../../support/directory.js';
import { contextOf, inventoryOf } from '../../support/inventory.js';
import { MadeUpHost } from '../../support/made-up-host.js';
import { bringAbout } from '../../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../../support/shells.js';
import { runSeen } from '../run-seen.js';

const inventory = await inventoryOf(`cluster: demo
hosts: {pg1: {address: 192.0.2.1}, repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}}
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
`);
const SET = '20261129-163044F_20261129-163111D';

describe('a backup that a restore begins with', () => {
  const work = freshDirectory();
  const options: RestoreOptions = { latest: true, id: 'R', member: 'pg1', set: SET, repository: 1 };
  const [step] = wholeStep(runSeen(inventory, { listed: { repo1: null } }, options));

  inEveryShell(HOST_SHELLS, (shell) => {
    // In pgBackRest’s words, which ends with 0 each time.
    it.each([
      { title: 'has data and a manifest', says: `        diff backup: ${SET}\n            database list: postgres (5)`, words: undefined },
      {
        title: 'has tablespaces',
        says: `        diff backup: ${SET}\n            tablespaces:\n                ts (16385) => /srv/ts`,
        words: /has tablespaces.*--undo` ends this; then begin with a backup without them/u,
      },
      {
        title: 'has no manifest',
        says: '    status: error (requested backup not found)',
        words: /its manifest is not there, or is damaged; nothing was changed, and .*--undo` ends this; then begin with another backup/u,
      },
    ])('is looked at before anything is stopped: it $title', async ({ says, words }) => {
      const programs = { runuser: 'shift 3; exec "$@"', timeout: 'shift 3; exec "$@"', pgbackrest: `cat <<'E'\n${says}\nE` };
      const made = new MadeUpHost({ root: work.path, programs });
      const [resource] = step !== undefined && 'resources' in step ? (step.resources?.(contextOf(inventory, 'pg1')) ?? []) : [];
      if (resource === undefined) throw new Error('the step looks at nothing');
      const { changes, answer } = await bringAbout(shell, made.resource(resource));
      expect(changes.length).toBe(words === undefined ? 0 : 1);
      if (words !== undefined) {
        expect(answer?.status).toBe(1);
        expect(answer?.words).toMatch(words);
      }
    });
  });
});
