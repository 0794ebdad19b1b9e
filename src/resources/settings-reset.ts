import { sh } from '../shell/quote.js';
import { answerLines, digestOf, type Resource } from './resource.js';

/** Settings that are taken out of a file which ALTER SYSTEM writes. */
export interface SettingsResetOptions {
  /** postgresql.auto.conf of a server that is down. */
  path: string;
  names: readonly string[];
}

/** What ALTER SYSTEM has set is taken back while its server is down, as ALTER SYSTEM RESET does while it runs. */
export function settingsReset({ path, names }: SettingsResetOptions): Resource<{ there: string[] }> {
  const lines = `^ *(${names.map((name) => name.replaceAll('.', '\\.')).join('|')}) *=`;
  const id = `settings-reset:${path}`;
  return {
    id,
    probe: () => sh`[ ! -f ${path} ] || grep -iE ${lines} ${path} | sed 's/ *=.*//' || :`,
    parse: (answer) => ({ there: answerLines(answer) }),
    diff: ({ there }) => there.map((name) => ({ action: 'update', summary: `take ${name} out of ${path}` })),
    // grep says 1 where no line is left, and more where it could not write all of them.
    apply: () => sh`new=$(mktemp ${`${path}.XXXXXX`})
trap 'rm -f "$new"' EXIT
chmod --reference=${path} "$new"
chown --reference=${path} "$new"
grep -viE ${lines} ${path} >"$new" || [ $? = 1 ]
sync "$new"
mv -f "$new" ${path}`,
    digest: () => digestOf(id, ...names),
  };
}
