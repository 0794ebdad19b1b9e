import { dataQuestion, HAS_STARTED, HOLDS_CLUSTER, sh, type CountingPart, type RoleContext } from '../../src/index.js';
import { dataDirectoryOf, localServer } from './layout.js';

/** A line that begins a section of patroni.yml: everything that is not indented, and no comment. */
const SECTION = /^[^\s#]/u;

/**
 * What counts of patroni.yml on a member that has its data: all but `bootstrap`, which Patroni reads where a cluster is made. Later
 * dynamic settings are changed in the store, so a file that differs in `bootstrap` alone need not be written again.
 */
export function livePart({ host, platform }: RoleContext): CountingPart {
  const data = {
    path: dataDirectoryOf(host, platform),
    binDirectory: localServer(host, platform).binDirectory,
    user: platform.patroni.user,
  };
  return {
    where: sh`{ ${HOLDS_CLUSTER}
} && ${HAS_STARTED}`,
    sharedQuestions: [dataQuestion(data)],
    of: withoutBootstrap,
  };
}

/** The text of a patroni.yml without its section `bootstrap`. */
export function withoutBootstrap(text: string): string {
  let inBootstrap = false;
  return text
    .split('\n')
    .filter((line) => {
      if (SECTION.test(line)) inBootstrap = line.startsWith('bootstrap:');
      return !inBootstrap;
    })
    .join('\n');
}
