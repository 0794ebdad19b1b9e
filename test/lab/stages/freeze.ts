import { removeOlder } from '../image-store.js';
import type { LabHost } from '../host.js';
import { LAB_ID } from '../paths.js';
import { run } from '../process.js';

/** What every machine makes for itself at its first boot: identity, keys, and the files that Docker fills in. */
const FORGET = `rm -rf /etc/ssh/ssh_host_* /var/lib/lab-booted /var/log/journal/*
: >/etc/machine-id`;

/** Docker mounts files of its own over these, so an image has them elsewhere until lab-init puts them back. */
const SAVE = `mkdir -p /var/lib/lab-saved
cp -p /etc/hosts /etc/hostname /etc/resolv.conf /var/lib/lab-saved/`;

/** How the hosts that come of an image differ from the one that it is made of. */
export interface FreezeOptions {
  /** `new`: each is a machine of its own; `same`: each is this very host again. */
  identity: 'new' | 'same';
  /** Units that do not start at the first boot before `release`. */
  hold?: readonly string[];
}

/** Switches a host off and makes an image of it. */
export async function freeze(host: LabHost, image: string, { identity, hold = [] }: FreezeOptions): Promise<void> {
  const { code, stderr } = await host.exec(`set -e
${identity === 'new' ? FORGET : SAVE}
${hold.length === 0 ? '' : `echo '${hold.join(' ')}' >/var/lib/lab-saved/hold`}`);
  if (code !== 0) throw new Error(`${host.name} could not be made ready for an image: ${stderr}`);
  await host.stop();
  await run`docker commit --change ${`LABEL pgprov.lab=${LAB_ID}`} --change ${'LABEL pgprov.lab.role=image'} ${host.container} ${image}`;
  await removeOlder(image);
}

/** Starts the units of a host that its image held back. */
export async function release(host: LabHost, units: readonly string[]): Promise<void> {
  const dropIns = units.map((unit) => `/run/systemd/system/${unit}.service.d`).join(' ');
  const { code, stderr } = await host.exec(`rm -r ${dropIns} && systemctl daemon-reload && systemctl start ${units.join(' ')}`);
  if (code !== 0) throw new Error(`${host.name}: ${units.join(' and ')} did not start: ${stderr}`);
}
