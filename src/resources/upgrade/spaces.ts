import { command } from '../command.js';
import { insistAtRest } from '../data-at-rest.js';
import { defineIdentity } from '../data-copy.js';
import { ASIDE } from '../put-aside.js';
import type { Resource } from '../resource.js';
import { eachLink, eachLinkSeen, RELINK } from '../streaming/tablespaces.js';
import { sh, type Script } from '../../shell/quote.js';
import { UPGRADE_NOTES } from './place.js';

/**
 * Defines `within DATA`: the name that a tablespace of that data has in the directory of the tablespace, `PG_15_202209061`, which tells both majors'
 * apart there; nothing where there is no data. The catalog's version is the fourth word of pg_control, in every major version.
 */
export const defineWithin: Script = sh`within() {
[ -s "$1/PG_VERSION" ] && [ -s "$1/global/pg_control" ] || return 0
echo "PG_$(cat "$1/PG_VERSION")_$(od -An -tu4 -j12 -N4 "$1/global/pg_control" | tr -d ' ')"
}`;

/** Makes `$2` a directory like `$1`. */
const ALIKE = sh`alike() {
mkdir "$2"
chown --reference="$1" "$2"
chmod --reference="$1" "$2"
chcon --reference="$1" "$2" 2>/dev/null || :
}`;

/**
 * Puts a server's tablespaces aside: each into a directory beside that of the tablespace, with the time in its name. What else is in the
 * tablespace's directory, such as another major's, stays there. The links of the data lead to them where they are; cut off anywhere it is finished by
 * doing it again.
 */
export function spacesAside(path: string): Script {
  return sh`${RELINK}
${ALIKE}
${defineWithin}
own=$(within ${path})
if [ -n "$own" ]; then
${eachLink(
  path,
  sh`if [ "$was" = "$to" ]; then
[ -d "$was/$own" ] || continue
to=$was${ASIDE}$(date +%Y%m%dT%H%M%S)
relink "$link" "$to"
fi
[ -e "$to" ] || alike "$was" "$to"
if [ ! -e "$to/$own" ] && [ -e "$was/$own" ]; then mv -T "$was/$own" "$to/$own"; fi`,
)}
fi`;
}

/** A former server's tablespaces go aside, so that a copy of the new data finds their directories empty. */
export function formerSpacesAside(path: string, identity: string): Resource<{ done: boolean }> {
  return command({
    name: `tablespaces-aside:${path}`,
    summary: `put the tablespaces of ${path} aside`,
    unless: sh`${defineIdentity}
[ "$(identity ${path})" = ${identity} ] || exit 0
${defineWithin}
own=$(within ${path})
[ -n "$own" ] || exit 0
${eachLinkSeen(path, sh`if [ -e "$was/$own" ]; then exit 1; fi`)}`,
    run: sh`${insistAtRest(path)}
${spacesAside(path)}`,
  });
}

/** The tablespaces of data come back to their directories. */
export function spacesBack(path: string, identity: string): Resource<{ done: boolean }> {
  return command({
    name: `tablespaces-back:${path}`,
    summary: `bring the tablespaces of ${path} back to their directories`,
    unless: eachLinkSeen(path, sh`[ "$was" = "$to" ] || exit 1`),
    run: sh`${insistAtRest(path)}
${defineIdentity}
if [ "$(identity ${path})" != ${identity} ]; then
echo ${`${path} holds other data by now`}
exit 1
fi
${RELINK}
${ALIKE}
${defineWithin}
own=$(within ${path})
${eachLink(
  path,
  sh`[ "$was" != "$to" ] || continue
if [ -e "$to/$own" ] && [ -e "$was/$own" ]; then
printf '%s\n' "$was/$own is there already, and what belongs there is in $to"
exit 1
fi
[ -e "$was" ] || alike "$to" "$was"
if [ -e "$to/$own" ]; then mv -T "$to/$own" "$was/$own"; fi
relink "$link" "$was"
rmdir "$to" 2>/dev/null || :`,
)}`,
  });
}

/** Removes the tablespaces of data that is to be removed, each where its link leads, and nothing else there. */
export function spacesRemoved(path: string): Script {
  return sh`${defineWithin}
own=$(within ${path})
if [ -n "$own" ]; then
${eachLink(
  path,
  sh`if [ -e "$to/$own" ]; then
note "removing $to/$own"
rm -rf "$to/$own"
fi
[ "$was" = "$to" ] || rmdir "$to" 2>/dev/null || :`,
)}
fi`;
}

/** Where a host notes which directories of tablespaces pg_upgrade makes, each of which was not there before; by the new major. */
function madeFile(version: number): string {
  return `${UPGRADE_NOTES}/tablespaces-${version}`;
}

/** Removes what pg_upgrade, broken off, has made in directories of tablespaces: as noted, and as long as its draft of the data is there. */
export function halfSpacesRemoved(draft: string, version: number): Script {
  return sh`if [ -e ${draft} ] && [ -e ${madeFile(version)} ]; then
while IFS= read -r made; do rm -rf "$made"; done <${madeFile(version)}
fi
rm -f ${madeFile(version)}`;
}

/** Notes what pg_upgrade is about to make beside the former data's tablespaces; ends the script where something is there. */
export function newSpacesNoted(from: string, draft: string, version: number): Script {
  return sh`${defineWithin}
new=$(within ${draft})
rm -f ${`${madeFile(version)}.new`}
${eachLinkSeen(
  from,
  sh`if [ -e "$to/$new" ]; then
printf '%s\n' "$to/$new is there already; pg_upgrade makes no tablespace over it"
exit 1
fi
printf '%s\n' "$to/$new" >>${`${madeFile(version)}.new`}`,
)}
if [ -e ${`${madeFile(version)}.new`} ]; then
sync ${`${madeFile(version)}.new`}
mv ${`${madeFile(version)}.new`} ${madeFile(version)}
sync ${UPGRADE_NOTES}
fi`;
}

/** pg_upgrade has made all of them. */
export function newSpacesKept(version: number): Script {
  return sh`rm -f ${madeFile(version)}`;
}

/** Prints what of a major is in the directories of another one's tablespaces, a line each; not what a broken-off pg_upgrade has made there. */
export function spacesOf(version: number, { path, draft }: { path: string; draft: string }): Script {
  return eachLinkSeen(
    path,
    sh`for there in "$was"/${`PG_${version}_`}*; do
[ -e "$there" ] || continue
if [ -e ${draft} ] && grep -qxF "$there" ${madeFile(version)} 2>/dev/null; then continue; fi
printf '%s\n' "$there"
done`,
  );
}
