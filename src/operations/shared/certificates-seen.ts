import type { X509Certificate } from 'node:crypto';
import { fileHandle, readCertificate, splitBundle, type CertificatePlace, type View } from '../../index.js';

/** A file's text as it was seen on the host of a place: '' when it is not there, undefined when the host was not asked. */
export function textSeen(view: View | undefined, place: CertificatePlace, file: 'ca' | 'certificate'): string | undefined {
  const platform = view?.platform(place.host.name);
  if (view === undefined || platform === undefined) return undefined;
  const state = view.read(place.host.name, fileHandle(place.tls.copies(platform)[file]));
  if (state === undefined) return undefined;
  return state.type === 'file' ? state.content.toString('utf8') : '';
}

/** The certificates of a place as they were seen: the node's own and those of its authorities. */
export function certificatesSeen(view: View, place: CertificatePlace): X509Certificate[] {
  const all = [textSeen(view, place, 'certificate') ?? '', ...(splitBundle(textSeen(view, place, 'ca') ?? '') ?? [])];
  return all.flatMap((pem) => readCertificate(pem) ?? []);
}
