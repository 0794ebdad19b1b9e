import { joinScripts, sh } from '../shell/quote.js';
import { seconds } from '../shell/patience.js';
import type { Ownership } from './files/path.js';
import { putAside } from './put-aside.js';
import { digestOf, type Resource } from './resource.js';

/** The data of a store's member, which is to go aside. */
export interface StoreAsideOptions {
  unit: string;
  path: string;
  /** What is below `path` as soon as there is any data: `member`. */
  sign: string;
  ownership: Ownership;
}

/** A store's data out of its place, kept beside it, with an empty directory in its place; its unit is stopped first. */
export function storeAside({ unit, path, sign, ownership }: StoreAsideOptions): Resource<{ hasData: boolean }> {
  const id = `store-aside:${path}`;
  return {
    id,
    probe: () => sh`[ -e ${`${path}/${sign}`} ]`,
    parse: ({ status }) => ({ hasData: status === 0 }),
    diff: ({ hasData }) => (hasData ? [{ action: 'update', summary: `stop ${unit}, and put what is in ${path} aside` }] : []),
    apply: () =>
      joinScripts([
        sh`if ! timeout ${seconds(90)} systemctl stop ${unit}; then
echo ${`${unit} did not stop`}
exit 1
fi`,
        putAside(path, ownership),
      ]),
    digest: () => digestOf(id),
  };
}
