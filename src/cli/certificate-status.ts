import { X509Certificate } from 'node:crypto';
import type { CertificateStatus } from '../lib/cluster-status.js';
import type { Host } from '../model/index.js';
import type { Role, TlsIdentity } from '../plan/role.js';
import { certificatePlaces } from '../plan/tls.js';
import type { View } from '../plan/view.js';
import { fileHandle, type PathState } from '../resources/file.js';

const DAY = 86_400_000;

/** When the certificate of a host ends; nothing of one that has none, or was not asked. */
export function certificateStatus(host: Host, catalog: readonly Role[], view: View | undefined): CertificateStatus[] {
  const state = certificatePlaces(catalog, { hosts: [host] })
    .map(({ tls }) => certificateSeen(host, tls, view))
    .find((found) => found?.type === 'file');
  if (state?.type !== 'file') return [];
  try {
    const end = new Date(new X509Certificate(state.content).validTo);
    return [{ host: host.name, notAfter: end.toISOString(), daysLeft: Math.floor((end.getTime() - Date.now()) / DAY) }];
  } catch {
    return [{ host: host.name, notAfter: 'unreadable', daysLeft: 0 }];
  }
}

function certificateSeen({ name }: Host, tls: TlsIdentity, view: View | undefined): PathState | undefined {
  const platform = view?.platform(name);
  return platform === undefined ? undefined : view?.read(name, fileHandle(tls.copies(platform).certificate));
}
