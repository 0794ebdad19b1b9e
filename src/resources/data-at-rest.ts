import { sh, type Script } from '../shell/quote.js';

/** Ends the script, and says why, where a server runs with the data in a directory. */
export function insistAtRest(path: string): Script {
  return sh`pid=
[ ! -r ${`${path}/postmaster.pid`} ] || read -r pid <${`${path}/postmaster.pid`} || :
if [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f ${path})" ]; then
echo ${`PostgreSQL runs with ${path}`}
exit 1
fi`;
}
