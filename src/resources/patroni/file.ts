import { sh } from '../../shell/quote.js';
import { handle } from '../handle.js';
import { answerText, type Observation } from '../resource.js';

/** Why Patroni could not read its file, in its parser's words; undefined while it could. */
export type PatroniFile = string | undefined;

/** The observation's id. */
export const PATRONI_FILE = handle<PatroniFile>('patroni-file');

/** Reads the file as Patroni does; a system without that parser says nothing. */
const READ = `import sys
try:
    import yaml
except ImportError:
    sys.exit(0)
try:
    with open(sys.argv[1]) as file:
        read = yaml.safe_load(file)
except (OSError, UnicodeError, yaml.YAMLError) as error:
    print(' '.join(str(error).split()))
    sys.exit(0)
if not isinstance(read, dict):
    print('it has no settings')
`;

/** Has the Python that Patroni runs with read Patroni’s file, which a running Patroni would only log that it cannot. */
export function patroniFile(file: string): Observation<PatroniFile> {
  return {
    ...PATRONI_FILE,
    probe: () => sh`patroni=$(command -v patroni) || exit 0
python=$(sed -n ${'1s/^#! *\\([^ ]*\\).*/\\1/p'} "$patroni")
[ -x "$python" ] || exit 0
"$python" -c ${READ} ${file}`,
    parse: (answer) => {
      const text = answerText(answer).trim();
      return text === '' ? undefined : text;
    },
  };
}
