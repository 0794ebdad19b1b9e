import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerText, type Observation } from './resource.js';

/** A server as HAProxy sees it. */
export interface ProxyServer {
  name: string;
  up: boolean;
  /** HAProxy's own words: `UP`, `DOWN`, `UP 1/2`, `MAINT`. */
  status: string;
  /** What its last check said: `L7STS/503`, `L4CON`, `L4TOUT`; '' where it was not checked yet. */
  check: string;
  /** What it made of that, in words: `Connection refused`; absent where there are none. */
  words?: string;
  /** Connections through it now. */
  sessions: number;
}

/** What an HAProxy says of itself, by its statistics. */
export interface ProxyState {
  answers: boolean;
  /** Its servers, by backend. */
  backends: ReadonlyMap<string, readonly ProxyServer[]>;
}

/** What is seen of the host's HAProxy. */
export const HAPROXY = handle<ProxyState>('haproxy');

/**
 * The statistics of an HAProxy that listens for them on a UNIX socket.
 * @param socket its path
 */
export function haproxyStatistics(socket: string): Observation<ProxyState> {
  return {
    ...HAPROXY,
    probe: () => sh`curl -q -s -m 3 --unix-socket ${socket} 'http://localhost/;csv' 2>/dev/null || :`,
    parse: (answer) => readStatistics(answerText(answer)),
  };
}

/** Reads HAProxy's table of statistics (its management guide, 9.1). */
export function readStatistics(text: string): ProxyState {
  const [head = '', ...lines] = text.split('\n');
  const columns = head.replace(/^# /u, '').split(',');
  if (!head.startsWith('# ') || !columns.includes('status')) return { answers: false, backends: new Map() };
  const backends = new Map<string, ProxyServer[]>();
  for (const line of lines) {
    const words = line.split(',');
    const field = (name: string): string => words[columns.indexOf(name)] ?? '';
    const [backend, name] = [field('pxname'), field('svname')];
    if (name === 'BACKEND' && !backends.has(backend)) backends.set(backend, []);
    if (name === '' || name === 'FRONTEND' || name === 'BACKEND') continue;
    // The status of a check that is under way begins with a star.
    const [check, code, status] = [field('check_status').replace(/^\* /u, ''), field('check_code'), field('status')];
    const said = field('last_chk').replace(/^"|"$/gu, '');
    backends.set(backend, [
      ...(backends.get(backend) ?? []),
      {
        name,
        up: status.startsWith('UP'),
        status,
        check: check.startsWith('L7') && code !== '' ? `${check}/${code}` : check,
        ...(said === '' ? {} : { words: said }),
        sessions: Number(field('scur')),
      },
    ]);
  }
  return { answers: true, backends };
}
