import { expect, it } from 'vitest';
import restoreUnfinished from '../../../src/diagnoses/cluster/restore-unfinished.js';
import { UNAPPROVED_DATA } from '../../../src/resources/restore/unapproved-data.js';
import { found, only } from '../examined.js';

const on = (state: object): object => ({ leader: null, more: { pg1: { [UNAPPROVED_DATA.id]: state } } });

it('tells of a restore that another machine began, with what finishes it, and that nothing is to be started', () => {
  const finding = only(restoreUnfinished, on({ restore: '20261129T230835Z' }));
  expect(finding).toMatchObject({
    level: 'broken',
    what: expect.stringContaining('pg1 has data of a restore that is not finished'),
  });
  expect(finding.evidence[0]?.line).toBe('20261129T230835Z');
  expect(finding.mend).toMatch(/^finish it on the machine that began it \(`pgprov restore \S+`\), or take it back there with --undo/u);
  expect(finding.explains).toEqual(expect.arrayContaining(['no-leader', 'without-patroni', 'unit-stopped']));
});

it('tells of pgBackRest that is at it, and of nothing where there is none', () => {
  expect(only(restoreUnfinished, on({ restore: '' })).what).toBe('pgBackRest is restoring a backup on pg1');
  expect(found(restoreUnfinished)).toEqual([]);
});
