import { handle } from '../handle.js';
import { sh } from '../../shell/quote.js';
import { FIND_UNIT } from '../running.js';
import { answerText, type Observation } from '../resource.js';

/** etcd's settings by the names of its environment, `ETCD_NAME` and so on. */
export type EtcdSettings = Readonly<Record<string, string>>;

/** The etcd that runs on a host, or ran there last. */
export interface EtcdRunning {
  /** Environment of the process that runs as the unit etcd; undefined while none does. */
  process: EtcdSettings | undefined;
  /** The environment file that pgprov wrote, maybe an older one or one for another inventory; undefined where there is none of pgprov's. */
  file: EtcdSettings | undefined;
  /** The data directory that `file` names has a member in it. */
  hasData: boolean;
}

/** The observation's id, for guards. */
export const ETCD_RUNNING = handle<EtcdRunning>('etcd-running');

const FILE_LINES = 's/^(# Managed by pgprov.*|ETCD_[A-Z_]+=.*)$/file\t\\1/p';

/** What etcd runs with, by its process and by the environment file that it was started with. */
export function etcdRunning(environmentFile: string): Observation<EtcdRunning> {
  return {
    ...ETCD_RUNNING,
    when: 'startAndEnd',
    // Processes of containers are seen as well, and are none of the host's own services.
    probe: () => sh`for at in /proc/[0-9]*; do
read -r comm 2>/dev/null <"$at/comm" || continue
[ "$comm" = etcd ] && [ "$(readlink "$at/ns/pid")" = "$(readlink /proc/self/ns/pid)" ] || continue
${FIND_UNIT}
case "$unit" in */etcd.service*) tr '\0' '\n' 2>/dev/null <"$at/environ" | sed -n ${'s/^ETCD_/process\t&/p'} ;; esac
done
if [ -r ${environmentFile} ]; then
sed -nE ${FILE_LINES} ${environmentFile}
data=$(sed -n 's/^ETCD_DATA_DIR="\(.*\)"$/\1/p' ${environmentFile})
[ ! -d "$data/member" ] || echo data
fi`,
    parse: (answer) => {
      const lines = answerText(answer)
        .split('\n')
        .map((line) => line.split('\t'));
      const of = (kind: string): string[] => lines.filter(([first]) => first === kind).map(([, line = '']) => line);
      const [process, [first = '', ...file]] = [of('process'), of('file')];
      return {
        process: process.length === 0 ? undefined : readSettings(process),
        file: first.startsWith('# Managed by pgprov') ? readSettings(file) : undefined,
        hasData: lines.some(([kind]) => kind === 'data'),
      };
    },
  };
}

/** `NAME=value` lines, of which an environment file has the values in double quotes. */
function readSettings(lines: readonly string[]): EtcdSettings {
  return Object.fromEntries(
    lines.map((line): [string, string] => {
      const at = line.indexOf('=');
      const value = line.slice(at + 1);
      const quoted = /^"(.*)"$/u.exec(value)?.[1];
      return [line.slice(0, at), quoted === undefined ? value : quoted.replaceAll(/\\(.)/gu, '$1')];
    }),
  );
}
