import { ETCD_DAMAGE, ETCD_LET_IN, type Examination, type LoggedLine } from '../../../src/index.js';

/** What a member of etcd has written since it last worked with its data. */
export function sinceLetIn({ log }: Examination, host: string): readonly LoggedLine[] {
  const lines = log(host, 'etcd');
  return lines.slice(lines.findLastIndex(({ text }) => LET_IN.test(text)) + 1);
}

/** The lines in which a member of etcd has said since then that it cannot read its data. */
export function damageLines(examination: Examination, host: string): readonly LoggedLine[] {
  return sinceLetIn(examination, host).filter(({ text }) => DAMAGE.test(text));
}

const LET_IN = new RegExp(ETCD_LET_IN, 'u');
const DAMAGE = new RegExp(ETCD_DAMAGE, 'u');
