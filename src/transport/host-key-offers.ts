import type { Client } from 'ssh2';

import { insideOf } from './ssh2-inside.js';

/** How OpenSSH's server tells all of its host keys once somebody is logged in. */
const OFFER = 'hostkeys-00@openssh.com';

/**
 * Lets the server's offer of its other host keys pass. ssh2 has it prove every one of them, three signatures while it is asked
 * to start a shell, for the sake of those who keep such keys; we trust none but those in known_hosts.
 */
export function ignoreHostKeyOffers(client: Client): void {
  insideOf(client, ({ _handlers: handlers }) => {
    const answer = handlers?.GLOBAL_REQUEST;
    if (handlers === undefined || typeof answer !== 'function') return;
    handlers.GLOBAL_REQUEST = (protocol, name, wantReply, data) => {
      if (name !== OFFER) answer(protocol, name, wantReply, data);
      else if (wantReply) protocol.requestFailure();
    };
  });
}
