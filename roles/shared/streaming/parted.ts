import { partedServer, type Parted, type View } from '../../../src/index.js';
import { seenServers, type SeenServer } from './seen.js';

/** What the server of a host has that its primary has not; nothing where the host has no data. */
export function partedFrom(view: View, primary: SeenServer, host: string): Parted {
  const server = seenServers(view).find(({ name }) => name === host);
  return server === undefined ? { kind: 'nothing' } : partedServer(server, primary);
}
