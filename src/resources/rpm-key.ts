import { sh } from '../shell/quote.js';
import { dnfQuestion } from './dnf-packages.js';
import { answerLines, digestOf, type Resource } from './resource.js';
import { printAnswer } from './shared-question.js';

/** A key file that rpm is to trust for packages. */
export interface RpmKeyOptions {
  /** The file, already checked against its pin. */
  path: string;
  /** The fingerprints it may have. */
  fingerprints: readonly string[];
}

/** What rpm calls an imported key: the last four bytes of its fingerprint, or, since rpm 6, all of it. */
function matches(imported: string, fingerprint: string): boolean {
  return imported.length >= 8 && fingerprint.toLowerCase().endsWith(imported.toLowerCase());
}

/** A key in rpm's own keyring, with which a package of the repository can be verified by hand as well. */
export function rpmKey({ path, fingerprints }: RpmKeyOptions): Resource<string[]> {
  const id = `rpm-key:${path}`;
  const question = dnfQuestion(['gpg-pubkey']);
  return {
    id,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => answerLines(answer).flatMap((line) => /^=gpg-pubkey (?<key>[0-9a-fA-F]+)-/u.exec(line)?.groups?.['key'] ?? []),
    diff: (imported) =>
      imported.some((key) => fingerprints.some((fingerprint) => matches(key, fingerprint)))
        ? []
        : [{ action: 'update', summary: `let rpm trust the key in ${path}` }],
    apply: () => sh`rpm --import ${path}`,
    digest: () => digestOf(id, ...fingerprints),
  };
}
