import { command } from '../command.js';
import { insistAtRest } from '../data-at-rest.js';
import { defineIdentity } from '../data-copy.js';
import type { Resource } from '../resource.js';
import { sh } from '../../shell/quote.js';
import { spacesRemoved } from './spaces.js';
import { noteFile, settledFile, UPGRADE_NOTES, type UpgradeNote } from './place.js';

/** A host notes that clients are let in to the new server, and what it had before. */
export function upgradeNoted({ from, to, id, member, identifier, identity }: UpgradeNote): Resource<{ done: boolean }> {
  const path = noteFile(from, to);
  return command({
    name: `upgrade-note:${from}-${to}`,
    summary: `note in ${path} which data is the former server’s`,
    unless: sh`[ "$(head -n 1 ${path} 2>/dev/null)" = ${id} ]`,
    run: sh`mkdir -p ${UPGRADE_NOTES}
printf '%s\n' ${[id, member, identifier, identity]} >${`${path}.new`}
sync ${`${path}.new`}
mv ${`${path}.new`} ${path}
sync ${UPGRADE_NOTES}`,
  });
}

/** Nothing is noted of an upgrade any more: it was taken back, or its way back was given up. */
export function upgradeForgotten({ from, to, id }: Pick<UpgradeNote, 'from' | 'to' | 'id'>): Resource<{ done: boolean }> {
  const path = noteFile(from, to);
  return command({
    name: `upgrade-note:${from}-${to}`,
    summary: `remove ${path}`,
    unless: sh`[ ! -e ${path} ] && [ ! -e ${settledFile(id)} ]`,
    run: sh`rm -f ${settledFile(id)} ${path}`,
  });
}

/**
 * The data that a server of the former major had is removed, with its tablespaces, which nothing but a person's own word brings about. Other data in the same place, and
 * data that a server has open, stays.
 * @param identity `DataCopy.identity` of it
 */
export function formerDataRemoved(path: string, identity: string): Resource<{ done: boolean }> {
  return command({
    name: `former-data:${path}`,
    summary: `remove ${path}`,
    unless: sh`${defineIdentity}
[ "$(identity ${path})" != ${identity} ]`,
    run: sh`${defineIdentity}
if [ "$(identity ${path})" != ${identity} ]; then
echo ${`${path} holds other data by now`}
exit 1
fi
${insistAtRest(path)}
${spacesRemoved(path)}
note ${`removing ${path}`}
find ${path} -mindepth 1 ! -path ${`${path}/PG_VERSION`} -delete
rm -r ${path}`,
  });
}
