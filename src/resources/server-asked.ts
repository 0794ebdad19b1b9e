import { didYouMean } from '../lib/nearest.js';
import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { asDatabaseUser, firstRow, sqlQuestion, type LocalServer } from './psql.js';
import { answerLines, type Observation } from './resource.js';
import { clearScratch, scratchDirectory } from './scratch.js';
import { sentences } from './server-sentences.js';
import { unknownCountQuery, type WantedSettings } from './settings-in-force.js';

/** What a host's PostgreSQL says to parameters before they are written anywhere. */
export type ServerAsked =
  /** There is no PostgreSQL of this version yet. */
  | { asked: false }
  | {
      asked: true;
      /** Its own sentences, each with its hint; empty: it takes them. */
      objections: { message: string; hint: string | undefined }[];
      /** Libraries to be preloaded that its directory of libraries does not have. */
      missingLibraries: string[];
      /** Bytes of shared_buffers; undefined where it did not come to that. */
      sharedBuffers: number | undefined;
      /** Bytes that the kernel would let one program have, and huge pages that there are. */
      memory: number | undefined;
      hugePages: number | undefined;
    };

/** The observation's id. */
export const SERVER_ASKED = handle<ServerAsked>('server-asked');

/** Parameters that list libraries which every server or session loads. */
const PRELOADING = ['shared_preload_libraries', 'session_preload_libraries'];

const BLOCK = 8192;

/** What PostgreSQL says to a name that it does not know. */
const UNRECOGNIZED = 'unrecognized configuration parameter';

/**
 * Asks PostgreSQL's own program, which need not run and changes nothing: it reads a configuration file of a scratch directory and
 * says all that is wrong in it. It does not load libraries, so parameters of extensions are taken as they are, and it does not
 * allocate memory; for both the host is asked besides. A server that has all of them in force has nothing more to say.
 */
export function serverAsked(server: LocalServer, wanted: WantedSettings): Observation<ServerAsked> {
  const program = `${server.binDirectory}/postgres`;
  const query = unknownCountQuery(wanted);
  const settings = Object.entries(wanted).map(([name, value]) => `${name} = ${quoted(String(value))}`);
  const libraries = librariesOf(wanted);
  return {
    ...SERVER_ASKED,
    sharedQuestions: [sqlQuestion(server, query)],
    probe: () => sh`${clearScratch('asked')}
if [ -x ${program} ]; then
${firstRow(server, query)}
if [ "$row" = 0 ]; then echo known
else
${scratchDirectory('asked')}
: >"$scratch/postgresql.auto.conf"
printf '%s\n' ${settings} >"$scratch/postgresql.conf"
chown -R ${server.user} "$scratch"
${asDatabaseUser(server, sh`LC_ALL=C ${program} -D "$scratch" -c log_line_prefix= -c log_destination=stderr -c lc_messages=C -C shared_buffers`)} >"$scratch/out" 2>"$scratch/err" && sed 's/^/buffers=/' "$scratch/out"
sed 's/^/said=/' "$scratch/err"
if grep -q ${UNRECOGNIZED} "$scratch/err"; then ${program} --describe-config 2>/dev/null | cut -f1 | sed 's/^/known=/'; fi
fi
for library in ${libraries}; do [ -e ${`${server.binDirectory}/../lib`}/"$library".so ] || echo "library=$library"; done
read -r overcommit </proc/sys/vm/overcommit_memory
echo "overcommit=$overcommit"
sed -n 's/^\(MemTotal\|SwapTotal\|CommitLimit\|Hugepagesize\|HugePages_Total\): *\([0-9]*\).*/\1=\2/p' /proc/meminfo
fi`,
    parse: (answer) => {
      const lines = answerLines(answer);
      if (lines.length === 0) return { asked: false };
      const values = (key: string): string[] =>
        lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
      const number = (key: string): number | undefined => (values(key)[0] === undefined ? undefined : Number(values(key)[0]));
      const buffers = number('buffers');
      return {
        asked: true,
        objections: sentences(values('said')).map((objection) => ({
          ...objection,
          hint: objection.hint ?? meantIn(objection.message, values('known')),
        })),
        missingLibraries: values('library'),
        sharedBuffers: buffers === undefined ? undefined : buffers * BLOCK,
        memory: memoryOf(number),
        hugePages:
          number('HugePages_Total') === undefined ? undefined : (number('HugePages_Total') ?? 0) * (number('Hugepagesize') ?? 0) * 1024,
      };
    },
  };
}

/** What one program may map at most: the kernel refuses more than memory and swap, or keeps a limit of its own. */
function memoryOf(number: (key: string) => number | undefined): number | undefined {
  const [total, swap = 0, limit] = [number('MemTotal'), number('SwapTotal'), number('CommitLimit')];
  if (total === undefined) return undefined;
  return (number('overcommit') === 2 ? (limit ?? total) : total + swap) * 1024;
}

/** The parameter that was probably meant; it is asked for only where a name is not known. */
function meantIn(message: string, known: readonly string[]): string | undefined {
  const name = new RegExp(`^${UNRECOGNIZED} "(?<name>.+)"`, 'u').exec(message)?.groups?.['name'];
  return name === undefined ? undefined : didYouMean(name, known);
}

/** A value of postgresql.conf. */
function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** Names of libraries in the server's own directory; one with a path is left to the server. */
function librariesOf(wanted: WantedSettings): string[] {
  if (Object.keys(wanted).some((name) => name.toLowerCase() === 'dynamic_library_path')) return [];
  return Object.entries(wanted)
    .filter(([name]) => PRELOADING.includes(name.toLowerCase()))
    .flatMap(([, value]) =>
      String(value)
        .split(',')
        .map((word) =>
          word
            .trim()
            .replace(/^"(.*)"$/u, '$1')
            .replace(/^\$libdir\//u, '')
            .replace(/\.so$/u, ''),
        ),
    )
    .filter((name) => name !== '' && !name.includes('/'));
}
