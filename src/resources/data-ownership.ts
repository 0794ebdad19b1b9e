import { sh } from '../shell/quote.js';
import { FIND_SERVER } from './server-process.js';
import { handle } from './handle.js';
import { answerLines, digestOf, type Observation, type Resource } from './resource.js';

/** What of a data directory PostgreSQL's user cannot use, or others can. */
export interface DataOwnership {
  /** A path in it that belongs to somebody else, and to whom; undefined: none does, or a server runs with it. */
  misowned: { path: string; owner: string } | undefined;
  /** Its mode where PostgreSQL does not start with it: `755`. */
  mode: string | undefined;
}

/** The observation's id. */
export const DATA_OWNERSHIP = handle<DataOwnership>('data-ownership');

/** Whose data directory it is. */
export interface DataOwnershipOptions {
  path: string;
  user: string;
  group: string;
}

/** Owners below a data directory whose server is down, and its mode. */
export function dataOwnership({ path, user }: DataOwnershipOptions): Observation<DataOwnership> {
  return {
    ...DATA_OWNERSHIP,
    probe: () => sh`data=${path}
if [ -d "$data" ]; then
case "$(stat -L -c %a "$data")" in
700 | 750) ;;
*) echo "mode=$(stat -L -c %a "$data")" ;;
esac
${FIND_SERVER}
if [ -z "$running" ]; then find -H "$data" ! -type l ! -user ${user} -printf 'owner=%u %p\n' -quit 2>/dev/null || :; fi
fi`,
    parse: (answer) => {
      const lines = answerLines(answer);
      const mode = lines.find((line) => line.startsWith('mode='))?.slice('mode='.length);
      const { owner, at } = lines.map((line) => /^owner=(?<owner>\S+) (?<at>.*)$/u.exec(line)?.groups).find(Boolean) ?? {};
      return { misowned: owner === undefined || at === undefined ? undefined : { path: at, owner }, mode };
    },
  };
}

/** What is wrong with it, as a clause; undefined: nothing. */
export function ownershipTrouble({ misowned, mode }: DataOwnership): string | undefined {
  const parts = [
    ...(misowned === undefined ? [] : [`${misowned.path} belongs to ${misowned.owner}`]),
    ...(mode === undefined ? [] : [`the data directory has the mode 0${mode}, with which PostgreSQL does not start`]),
  ];
  return parts.length === 0 ? undefined : parts.join(', and ');
}

/** A data directory that belongs to PostgreSQL's user with all that is in it, and that nobody else may read. Links are left alone. */
export function dataOwned(options: DataOwnershipOptions): Resource<DataOwnership> {
  const { path, user, group } = options;
  return {
    ...dataOwnership(options),
    id: `${DATA_OWNERSHIP.id}:${path}`,
    diff: (state) => {
      const trouble = ownershipTrouble(state);
      return trouble === undefined ? [] : [{ action: 'update', summary: `give ${path} back to ${user}, with the mode 0700: ${trouble}` }];
    },
    apply: () => sh`chown -h -R ${`${user}:${group}`} ${path}/.
chmod 0700 ${path}`,
    digest: () => digestOf(DATA_OWNERSHIP.id, path),
  };
}
