import { X509Certificate } from 'node:crypto';
import type { CertificateStatus } from '../lib/cluster-status.js';
import type { Host } from '../model/index.js';
import type { Role, TlsIdentity } from '../plan/role.js';
import { certificatePlaces } from '../plan/tls.js';
import type { View } from '../plan/view.js';
import { fileHandle, type PathState } from '../resources/files/path.js';

const DAY = 86_400_000;

/** When the certificate of a host ends, and those that are given for its services; nothing of what it has none of, or was not asked. */
export function certificateStatus(host: Host, catalog: readonly Role[], view: View | undefined): CertificateStatus[] {
  const places = certificatePlaces(catalog, { hosts: [host] });
  const own = places.filter(({ tls }) => tls.given === undefined);
  const first = own.find(({ tls }) => certificateSeen(host, tls, view)?.type === 'file');
  const given = places.filter(({ tls }) => tls.given !== undefined);
  return [
    ...(first === undefined ? [] : ending(host, certificateSeen(host, first.tls, view))),
    ...given.flatMap(({ role, tls }) => ending(host, certificateSeen(host, tls, view)).map((status) => ({ ...status, given: role }))),
  ];
}

function ending({ name: host }: Host, state: PathState | undefined): CertificateStatus[] {
  if (state?.type !== 'file') return [];
  try {
    const end = new Date(new X509Certificate(state.content).validTo);
    return [{ host, notAfter: end.toISOString(), daysLeft: Math.floor((end.getTime() - Date.now()) / DAY) }];
  } catch {
    return [{ host, notAfter: 'unreadable', daysLeft: 0 }];
  }
}

function certificateSeen({ name }: Host, tls: TlsIdentity, view: View | undefined): PathState | undefined {
  const platform = view?.platform(name);
  return platform === undefined ? undefined : view?.read(name, fileHandle(tls.copies(platform).certificate));
}
