import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CATALOG } from '../../../roles/index.js';
import { backups } from '../../../src/cli/backups/backups.js';
import type { Role } from '../../../src/plan/role.js';
import { freshDirectory } from '../../support/directory.js';
import { Machines } from '../../support/machines.js';
import { environmentOn } from '../three-hosts.js';

describe('pgprov backups', () => {
  const work = freshDirectory();
  // Of the roles only their variables count: what they ask and do would be about this machine.
  const roles = CATALOG as Role[];
  const own = [...roles];
  const bare = own
    .filter(({ name }) => ['postgresql', 'backup', 'backup-repository'].includes(name))
    .map(({ name, description, variables }): Role => ({ name, description, variables, stages: () => [] }));
  beforeAll(() => void roles.splice(0, roles.length, ...bare));
  afterAll(() => void roles.splice(0, roles.length, ...own));

  it('ends with 3 where a host cannot be reached, and says what is not known', async () => {
    writeFileSync(
      work.at('inventory.yml'),
      `cluster: demo
ssh: {config: false}
hosts:
  pg1: {address: 192.0.2.1, roles: [postgresql, backup]}
  repo1: {address: 192.0.2.4, roles: [backup-repository]}
`,
    );
    const { environment, out, err } = environmentOn(new Machines(work.path, { repo1: { unreachable: true } }));
    expect([await backups(work.at('inventory.yml'), {}, environment), err()]).toEqual([3, expect.stringContaining('repo1 refuses')]);
    expect(out()).toContain('repository repo1: repo1 could not be asked');
  });
});
