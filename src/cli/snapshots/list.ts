import { formatBytes } from '../../lib/bytes.js';
import { ExitCode } from '../../lib/errors.js';
import { pgprov } from '../../lib/pgprov-command.js';
import { shownPath } from '../../lib/shown-path.js';
import { readIdentity } from '../../model/index.js';
import { renderSnapshots } from '../../report/snapshots-text.js';
import { SAVED_KEYS } from '../../resources/saved-keys.js';
import { isAutomatic } from '../../store/snapshot-file.js';
import { readSnapshots, type SavedSnapshot } from '../../store/saved-snapshots.js';
import { storeDirectory } from '../../store/store.js';
import { errorLook } from '../colors.js';
import type { CommonOptions } from '../options.js';

/** Options of `pgprov snapshot list`. */
export interface ListOptions extends CommonOptions {
  json?: boolean;
}

/** `pgprov snapshot list`: the snapshots beside an inventory, newest first. */
export async function listSnapshots(file: string, options: ListOptions): Promise<ExitCode> {
  const { dir, cluster } = await readIdentity(file);
  const { snapshots, unreadable } = await readSnapshots(storeDirectory(dir, cluster));
  for (const each of unreadable) process.stderr.write(`warning: ${shownPath(each.file)} cannot be read: ${each.why}\n`);
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(snapshots.map(asJson), undefined, 2)}\n`);
  } else if (snapshots.length === 0) {
    process.stdout.write(`There is no snapshot of cluster ${cluster} yet; ${pgprov`snapshot ${file}`} takes one.\n`);
  } else {
    const listed = snapshots.map(({ manifest, ...each }) => ({
      ...each,
      ...manifest,
      ...holding(manifest.files),
      file: shownPath(each.file),
    }));
    process.stdout.write(
      [
        ...renderSnapshots(
          listed.map((each) => ({ ...each, size: formatBytes(each.bytes), lacks: lacking(each.missing) })),
          errorLook(process.stdout),
        ),
        '',
        `${pgprov`config edit ${file} --back-to ${listed.find((each) => each.configuration)?.file ?? 'FILE'}`} goes back to the dynamic configuration that one has.`,
        '',
      ].join('\n'),
    );
  }
  return ExitCode.done;
}

function asJson({ file, bytes, manifest }: SavedSnapshot): object {
  return { file, bytes, automatic: isAutomatic(file), ...manifest };
}

function holding(files: Readonly<Record<string, number>>): { hosts: string[]; configuration: boolean; count: number } {
  const names = Object.keys(files);
  const hosts = names.flatMap((name) => /^hosts\/([^/]+)\//u.exec(name)?.[1] ?? []);
  return { hosts: [...new Set(hosts)], configuration: names.includes(SAVED_KEYS), count: names.length };
}

/** Hosts of which there is nothing, and how many single files are not there. */
function lacking(missing: SavedSnapshot['manifest']['missing']): string {
  const hosts = missing.flatMap(({ host, name }) => (host !== undefined && name === undefined ? [host] : []));
  const files = missing.length - hosts.length;
  return [...hosts, ...(files === 0 ? [] : [`${files} file${files === 1 ? '' : 's'}`])].join(', ');
}
