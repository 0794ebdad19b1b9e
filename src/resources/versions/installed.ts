import { aptQuestion } from '../apt-packages.js';
import { dnfQuestion } from '../dnf-packages.js';
import { answerLines, type Answer } from '../resource.js';
import type { SharedQuestion } from '../shared-question.js';

/** How a host installs packages. */
export type PackageManager = 'apt' | 'dnf';

/** Versions of packages by their names, as the package manager writes them: `17.6-1.pgdg130+1`, `17.6-1PGDG.rhel9`. */
export type Versions = Readonly<Record<string, string>>;

/** Asks which versions of these packages are installed. */
export function versionsQuestion(manager: PackageManager, packages: readonly string[]): SharedQuestion {
  return manager === 'apt' ? aptQuestion(packages) : dnfQuestion(packages);
}

/** Reads the answer to `versionsQuestion`; a package that is not wholly installed is absent. */
export function readVersions(answer: Answer, packages: readonly string[]): Record<string, string> {
  const lines = answerLines(answer).map((line) => line.split(' '));
  const found = lines.flatMap(([name = '', second = '', third = '']): [string, string][] => {
    if (name.startsWith('=')) return [[name.slice(1), second]];
    return second === 'installed' && third !== '' ? [[name, third]] : [];
  });
  return Object.fromEntries(found.filter(([name]) => packages.includes(name)));
}

/** Reads of the same answer which packages apt has on hold; dnf has its own way. */
export function readHeld(answer: Answer, packages: readonly string[]): string[] {
  const lines = answerLines(answer).map((line) => line.split(' '));
  return [...new Set(lines.flatMap(([name = '', , , want]) => (want === 'hold' && packages.includes(name) ? [name] : [])))];
}

/** What the program calls itself: `17.6` of `17.6-1.pgdg130+1`, without the epoch and the package's own revision. */
export function upstreamVersion(version: string): string {
  return version.replace(/^\d+:/u, '').replace(/-[^-]*$/u, '');
}
