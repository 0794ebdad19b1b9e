import { stripVTControlCharacters } from 'node:util';
import { redact } from '../lib/secret.js';

/** What a terminal would act on; line feeds are kept. */
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Text that came from a host or a file, without secrets and without anything a terminal would act on. */
export function printable(text: string): string {
  return stripVTControlCharacters(redact(text)).replaceAll('\t', '    ').replace(CONTROL, '');
}
