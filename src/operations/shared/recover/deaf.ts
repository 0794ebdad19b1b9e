import { pgprov, STORE_WRITES, type OperationObjection } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import type { RecoverRun } from './seen.js';

/** A store that answers and takes no writes: no member could take the lead. */
export function deafStore({ view, inventory }: RecoverRun): OperationObjection[] {
  const { name, role, notWriting } = dcsOf(inventory);
  const asked = hostsWith(inventory, role).flatMap((host) => {
    const seen = view.read(host.name, STORE_WRITES);
    return seen?.asked === true ? [{ host: host.name, refused: seen.refused }] : [];
  });
  const [first] = asked;
  if (first?.refused === undefined || asked.some(({ refused }) => refused === undefined)) return [];
  return [
    {
      kind: 'refuse',
      message: `${name} answers on ${first.host} and takes no writes ("${first.refused}"), so no member could take the lead`,
      hint: `nothing was changed; ${pgprov`doctor ${inventory}`} says what is wrong with it. ${notWriting}`,
      settles: true,
    },
  ];
}
