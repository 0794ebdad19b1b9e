import { defineDiagnosis, pgprov, type Examination, type Finding } from '../../index.js';
import { memberOf, membersOf } from '../shared/members.js';
import { comeWithSystems } from '../shared/with-systems.js';

/** Members run different versions of PostgreSQL or Patroni. */
export default defineDiagnosis({
  name: 'versions',
  looksAt: 'the versions that members run',
  role: 'patroni',
  find: (examination) => [
    ...unlike(examination, 'PostgreSQL', (host) => readable(memberOf(examination, host)?.serverVersion)),
    ...unlike(examination, 'Patroni', (host) => memberOf(examination, host)?.version),
  ],
});

function unlike(examination: Examination, program: 'PostgreSQL' | 'Patroni', versionOf: (host: string) => string | undefined): Finding[] {
  const seen = membersOf(examination).flatMap((host) => {
    const version = versionOf(host);
    return version === undefined || version === '' ? [] : [{ host, version }];
  });
  const versions = [...new Set(seen.map(({ version }) => version))];
  if (versions.length < 2) return [];
  const majors = new Set(versions.map((version) => version.split('.')[0]));
  const restart =
    program === 'Patroni' ? pgprov`restart ${examination.view.inventory} --service patroni` : pgprov`restart ${examination.view.inventory}`;
  const evidence = seen.map(({ host, version }) => ({ host, source: 'Patroni’s REST API', line: `${program} ${version}` }));
  if (comeWithSystems(examination.view, seen))
    return [
      {
        level: 'notice',
        what: `members run different versions of ${program}, as their systems have them: ${versions.join(', ')}`,
        evidence,
        follows: `what ${program} does after a change of leader is not what it did before`,
        mend: 'nothing needs to be done at once: have all members run one system, and with it one version, when you next replace a host',
      },
    ];
  return [
    {
      level: majors.size > 1 ? 'danger' : 'notice',
      what: `members run different versions of ${program}: ${versions.join(', ')}`,
      evidence,
      follows: `what ${program} does after a change of leader is not what it did before; a bug that is mended on one member is open on another`,
      mend: `bring the packages of all members to one version, then ${restart} restarts one member at a time`,
    },
  ];
}

/** 170006 is 17.6. */
function readable(version: number | undefined): string | undefined {
  return version === undefined ? undefined : `${Math.floor(version / 10_000)}.${version % 10_000}`;
}
