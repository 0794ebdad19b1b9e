import type { X509Certificate } from 'node:crypto';
import type { Host, Inventory } from '../../model/index.js';
import type { Platform } from '../../platform/index.js';
import type { View } from '../../plan/view.js';
import type { PathState } from '../../resources/file.js';
import { readCertificate } from '../../store/renewal.js';
import { splitBundle } from '../../store/trust.js';
import { CERTIFICATE_ROLES } from './catalog.js';

/** A service on a host that has certificates. */
export interface CertificatePlace {
  host: Host;
  /** Also the role's name. */
  service: 'etcd' | 'patroni';
}

/** The files of a place, on a host whose system is known. */
export interface PlaceFiles {
  ca: string;
  certificate: string;
  key: string;
}

/** Every place where a cluster has certificates, host by host. */
export function placesOf({ hosts }: Inventory): CertificatePlace[] {
  return hosts.flatMap((host) => CERTIFICATE_ROLES.filter((role) => host.roles.includes(role)).map((service) => ({ host, service: service as CertificatePlace['service'] })));
}

/** Where a place has its files. */
export function filesOf({ service }: CertificatePlace, platform: Platform): PlaceFiles {
  const { tlsDirectory } = platform[service];
  return { ca: `${tlsDirectory}/ca.crt`, certificate: `${tlsDirectory}/node.crt`, key: `${tlsDirectory}/node.key` };
}

/** A file's text as it was seen on the host of a place: '' when it is not there, undefined when the host was not asked. */
export function textSeen(view: View | undefined, place: CertificatePlace, file: keyof PlaceFiles): string | undefined {
  const platform = view?.platform(place.host.name);
  if (view === undefined || platform === undefined) return undefined;
  const state = view.read<PathState>(place.host.name, `file:${filesOf(place, platform)[file]}`);
  if (state === undefined) return undefined;
  return state.type === 'file' ? state.content.toString('utf8') : '';
}

/** The certificates of a place as they were seen: the node's own and those of its authorities. */
export function certificatesSeen(view: View, place: CertificatePlace): X509Certificate[] {
  const all = [textSeen(view, place, 'certificate') ?? '', ...(splitBundle(textSeen(view, place, 'ca') ?? '') ?? [])];
  return all.flatMap((pem) => readCertificate(pem) ?? []);
}
