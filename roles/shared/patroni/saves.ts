import { PATRONI_CACHE, savedFile, savedKeys, type RoleContext, type SavedPart, type SnapshotForm } from '../../../src/index.js';
import { dcsOf } from '../dcs-of.js';
import { dataDirectoryOf } from '../layout.js';
import { unitSaves } from '../unit-saves.js';

/** What a snapshot keeps of Patroni: its file, the configuration that it remembers beside the data, its unit, and what the store has of it. */
export function patroniSaves(context: RoleContext, { form }: { form: SnapshotForm }): SavedPart[] {
  const { host, inventory, platform } = context;
  return [
    savedFile('patroni/patroni.yml', platform.patroni.configFile),
    savedFile(`patroni/${PATRONI_CACHE}`, `${dataDirectoryOf(host, platform)}/${PATRONI_CACHE}`),
    savedKeys(dcsOf(inventory).keys(context)),
    ...unitSaves('patroni', platform.patroni.unit, form),
  ];
}
