import { letInNoteOf, pgprov, UNAPPROVED_DATA, type Host, type Objection, type View } from '../../src/index.js';

/**
 * Members that must not be started, because a restore has put data there that nobody has approved. The machine that began the restore refuses other
 * runs by its own record, which another machine does not have.
 */
export function guardUnapproved(view: View, hosts: readonly Pick<Host, 'name'>[] = view.hosts('patroni')): Objection[] {
  return hosts.flatMap(({ name }): Objection[] => {
    const found = view.read(name, UNAPPROVED_DATA);
    if (found === undefined) return [];
    const { restore, held } = found;
    const finish = `finish it on the machine that began it (${pgprov`restore ${view.inventory}`})`;
    if (held === true) {
      return [
        {
          kind: 'refuse',
          host: name,
          message: `PostgreSQL on ${name} is held by a restore that is not finished: it must not be started`,
          hint: `nothing was changed; ${finish}, or take it back there with --undo. Where that machine is lost, see docs/restore.md`,
        },
      ];
    }
    return [
      {
        kind: 'refuse',
        host: name,
        message:
          restore === ''
            ? `pgBackRest is restoring a backup on ${name}`
            : `${name} has data of a restore that is not finished (${restore}): nobody has let clients in to it`,
        hint:
          restore === ''
            ? `nothing was changed; \`systemctl status pgprov-restore\`, as root on ${name}, shows it. Then finish the restore, or the rebuild, on the machine that began it`
            : `nothing was changed; ${finish}, or take it back there with --undo. Where that machine is lost, \`touch ${letInNoteOf(restore)}\`, as root on ${name}, has the data taken for the cluster’s`,
      },
    ];
  });
}
