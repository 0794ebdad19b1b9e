import { BACKUP_INFO, fileHandle, type View } from '../../../src/index.js';
import { isWrongPassphrase } from './trouble.js';

/** What pgbackrest.conf on a host says, as far as others are kept from it. */
export interface PresentConfig {
  path: string;
  /** The cluster that pgprov wrote it for; undefined: somebody else wrote it. */
  cluster?: string;
  /** The stanzas that it has. */
  stanzas: readonly string[];
  /** What the repositories are encrypted with, without those that are not. */
  passphrases: readonly string[];
  /** Where they are, by pgBackRest's numbers. */
  paths: Readonly<Record<number, string>>;
}

const MANAGED = /^# Managed by pgprov for the cluster (?<cluster>\S+): /u;

/** pgbackrest.conf of a host as it was seen; undefined where it is not there, or was not asked. */
export function presentConfig(view: View, host: string): PresentConfig | undefined {
  const path = view.platform(host)?.pgbackrest.configFile;
  const state = path === undefined ? undefined : view.read(host, fileHandle(path));
  if (path === undefined || state?.type !== 'file') return undefined;
  const text = state.content.toString('utf8');
  const cluster = MANAGED.exec(text)?.groups?.['cluster'];
  return {
    path,
    ...(cluster === undefined ? {} : { cluster }),
    stanzas: [...text.matchAll(/^\[(?<name>[^\]\n]+)\]/gmu)]
      .flatMap(({ groups }) => groups?.['name'] ?? [])
      .filter((name) => !name.startsWith('global')),
    paths: Object.fromEntries(
      [...text.matchAll(/^repo(?<number>\d+)-path=(?<path>.*)$/gmu)].map(({ groups }) => [
        Number(groups?.['number']),
        groups?.['path'] ?? '',
      ]),
    ),
    passphrases: [...text.matchAll(/^repo\d+-cipher-pass=(?<value>.*)$/gmu)].flatMap(({ groups }) => groups?.['value'] ?? []),
  };
}

/** What a host's repositories with a stanza are encrypted with; none where pgBackRest cannot decrypt them with what is there. */
export function readingPassphrases(view: View, host: string): readonly string[] {
  const { problem = '', repositories = [] } = view.read(host, BACKUP_INFO) ?? {};
  const isRight = ![problem, ...repositories.map(({ message }) => message)].some((words) => isWrongPassphrase(words));
  const holds = repositories.some(({ encrypted, status }) => encrypted && status !== 'noStanza');
  return isRight && holds ? (presentConfig(view, host)?.passphrases ?? []) : [];
}
