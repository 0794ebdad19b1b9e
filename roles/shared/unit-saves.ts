import { savedOutput, sh, type SavedPart, type SnapshotForm } from '../../src/index.js';

/** Lines of a unit's journal that a snapshot keeps. */
const LINES = 2000;

/** Bytes of them at most. */
const BYTES = 4 * 1024 * 1024;

const PROPERTIES = [
  'Id',
  'LoadState',
  'UnitFileState',
  'ActiveState',
  'SubState',
  'Result',
  'NRestarts',
  'ExecMainStatus',
  'ExecMainStartTimestamp',
  'ActiveEnterTimestamp',
  'InactiveEnterTimestamp',
  'FragmentPath',
  'DropInPaths',
];

/** What a snapshot keeps of a unit of systemd: its state, and in full the end of its journal. */
export function unitSaves(directory: string, unit: string, form: SnapshotForm): SavedPart[] {
  const state = savedOutput(`${directory}/unit.txt`, sh`systemctl show --no-pager --property=${PROPERTIES.join(',')} ${`${unit}.service`}`);
  if (form === 'light') return [state];
  const journal = sh`journalctl --quiet --no-pager --utc --output=short-iso-precise --lines=${LINES} ${`--unit=${unit}.service`} | tail -c ${BYTES}`;
  return [state, savedOutput(`${directory}/journal.txt`, journal)];
}
