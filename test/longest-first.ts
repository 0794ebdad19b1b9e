import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The integration tests that take more than a minute and a half, the longest first. */
const LONG = ['rocky', 'certs', 'kill', 'guards', 'vagrant', 'power', 'firewall', 'debian13', 'rotate', 'plan', 'preflight', 'extending', 'access', 'leaks', 'debian12', 'resume'];

/** Begins with what takes longest, so that no worker is without work at the end; in a fresh checkout Vitest goes by the files' sizes, which tell little. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project, moduleId }: TestSpecification): number => {
      if (project.name !== 'integration') return -1;
      const at = LONG.indexOf(basename(moduleId, '.test.ts'));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
