import { letInNoteOf, pgprov, UNAPPROVED_DATA, type Host, type Objection, type View } from '../../src/index.js';

/** What a host says of data of a restore that nobody has approved. */
export interface Unapproved {
  host: string;
  what: string;
  /** What is to be done, as a sentence without its full stop. */
  mend: string;
}

/** The hosts on which a restore, or pgBackRest in its name, is not finished. */
export function unapproved(view: View, hosts: readonly Pick<Host, 'name'>[] = view.hosts('patroni')): Unapproved[] {
  return hosts.flatMap(({ name }): Unapproved[] => {
    const found = view.read(name, UNAPPROVED_DATA);
    if (found === undefined) return [];
    const { restore, held } = found;
    const finish = `finish it on the machine that began it (${pgprov`restore ${view.inventory}`})`;
    if (held === true) {
      return [
        {
          host: name,
          what: `PostgreSQL on ${name} is held by a restore that is not finished: it must not be started`,
          mend: `${finish}, or take it back there with --undo. Where that machine is lost, see docs/restore.md`,
        },
      ];
    }
    if (restore === '') {
      return [
        {
          host: name,
          what: `pgBackRest is restoring a backup on ${name}`,
          mend: `\`systemctl status pgprov-restore\`, as root on ${name}, shows it. Then finish the restore, or the rebuild, on the machine that began it`,
        },
      ];
    }
    return [
      {
        host: name,
        what: `${name} has data of a restore that is not finished (${restore}): nobody has let clients in to it`,
        mend: `${finish}, or take it back there with --undo. Where that machine is lost, \`touch ${letInNoteOf(restore)}\`, as root on ${name}, has the data taken for the cluster’s`,
      },
    ];
  });
}

/**
 * Members that must not be started, because a restore has put data there that nobody has approved. The machine that began the restore refuses other
 * runs by its own record, which another machine does not have.
 */
export function guardUnapproved(view: View, hosts: readonly Pick<Host, 'name'>[] = view.hosts('patroni')): Objection[] {
  return unapproved(view, hosts).map(({ host, what, mend }) => ({
    kind: 'refuse',
    host,
    message: what,
    hint: `nothing was changed; ${mend}`,
  }));
}
