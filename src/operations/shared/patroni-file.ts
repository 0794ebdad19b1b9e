import { PATRONI_FILE, pgprov, type OperationObjection, type OperationRun } from '../../index.js';

/** Members whose Patroni could not read its file: it keeps what it has for as long as it runs, and does not start again. */
export function unreadableFiles(
  run: Pick<OperationRun<object>, 'view' | 'contextOf' | 'inventory'>,
  hosts: readonly string[],
): OperationObjection[] {
  return hosts.flatMap((host): OperationObjection[] => {
    const why = run.view.read(host, PATRONI_FILE);
    if (why === undefined) return [];
    return [
      {
        kind: 'refuse',
        host,
        message: `${host}: Patroni cannot read ${run.contextOf(host).platform.patroni.configFile}: ${why}`,
        hint: `correct the file, or have ${pgprov`apply ${run.inventory}`} write it again; with it as it is, Patroni on ${host} would not start again`,
      },
    ];
  });
}
