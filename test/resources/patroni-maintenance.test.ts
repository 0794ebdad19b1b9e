import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { patroniPause, type PatroniPauseState } from '../../src/resources/patroni/pause.js';
import { patroniStopped, type PatroniStoppedState } from '../../src/resources/patroni/stopped.js';
import { patroniReload } from '../../src/resources/patroni/reload.js';
import { CONFIG_LOADED_QUERY } from '../../src/resources/config-loaded.js';
import { NOTHING_DONE } from '../../src/resources/resource.js';
import { localServer } from '../../src/index.js';
import { contextOf, inventoryOf, THREE } from '../support/inventory.js';
import { madeUpDcs } from '../support/made-up-store.js';
import { feed, HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';
import { listen } from '../support/tls-servers.js';

const context = contextOf(await inventoryOf(THREE), 'pg1');
const keys = madeUpDcs.keys(context);
const server = localServer(context.host, context.platform);
const login = { user: 'patroni', password: new Secret('secret') };
const answer = (text: string): { status: number; out: Buffer } => ({ status: 0, out: Buffer.from(text) });

describe('patroniPause', () => {
  const shelf = (config: object): string => JSON.stringify({ shelf: { config: { value: JSON.stringify(config), revision: '3' } } });
  const resource = (paused: boolean): ReturnType<typeof patroniPause> =>
    patroniPause({ url: 'http://10.0.0.1:8008', keys, paused, ...login });

  it('is read from the DCS', () => {
    expect(resource(true).parse(answer(shelf({ pause: true, ttl: 30 })))).toMatchObject({ paused: true, answers: false });
    expect(resource(true).parse(answer(shelf({ ttl: 30 })))).toMatchObject({ paused: false });
    expect(resource(true).parse(answer('no shelf'))).toEqual({ paused: undefined, answers: false, stored: undefined });
  });

  it('is changed only when it differs', () => {
    const state = (paused: boolean): PatroniPauseState => ({ paused, answers: true, stored: undefined });
    expect([true, false].map((wanted) => resource(wanted).diff(state(true)).length)).toEqual([0, 1]);
    expect([true, false].map((wanted) => resource(wanted).diff(state(false)).length)).toEqual([1, 0]);
  });

  it('is written into the DCS when Patroni does not answer, and changes nothing else', () => {
    const state = resource(false).parse(answer(shelf({ pause: true, ttl: 30 })));
    expect(resource(false).apply([], state).text).toContain(keys.put('config', '{"ttl":30}', '3').text);
  });
});

describe.skipIf(!isThere('curl'))(isThere('curl') ? 'the request for it' : 'the request for it (skipped: no curl here)', () => {
  const heard: string[] = [];
  let status = 200;
  const http = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      heard.push(`${request.method} ${request.url} ${body}`);
      response.writeHead(status, { connection: 'close' }).end('no auth header received');
    });
  });
  let url = '';
  beforeAll(async () => {
    url = `http://127.0.0.1:${await listen(http)}`;
  });
  afterAll(() => http.close());

  inEveryShell(HOST_SHELLS, (shell) => {
    const send = async (paused: boolean): Promise<string> => {
      const state: PatroniPauseState = { paused: !paused, answers: true, stored: undefined };
      const script = patroniPause({ url, keys, paused, ...login }).apply([], state).text;
      const { code, out } = await feed(shell, `set -eu\n${script}`);
      return `${code} ${out.toString().trim()}`;
    };

    it('sets and removes it', async () => {
      status = 200;
      expect(await send(true)).toBe('0 ');
      expect(heard.at(-1)).toBe('PATCH /config {"pause":true}');
      expect(await send(false)).toBe('0 ');
      expect(heard.at(-1)).toBe('PATCH /config {"pause":null}');
    });

    it('shows Patroni’s answer, and says whether anything was done: after a 5xx it may have been', async () => {
      status = 503;
      expect(await send(true)).toMatch(/^1 Patroni did not take it: .*\(HTTP 503\)$/u);
      status = 401;
      expect(await send(true)).toBe(`${NOTHING_DONE} Patroni did not take it: no auth header received (HTTP 401)`);
    });
  });
});

describe('patroniStopped', () => {
  const stopped = (staysDown: boolean): ReturnType<typeof patroniStopped> =>
    patroniStopped({ unit: 'patroni', path: '/data', server, staysDown });
  const seen = (active: string, running: boolean, enabled = true, staysDown = false): number => {
    const unit = `Names=patroni.service\nLoadState=loaded\nUnitFileState=${enabled ? 'enabled' : 'disabled'}\nActiveState=${active}\n`;
    const resource = stopped(staysDown);
    return resource.diff(resource.parse(answer(`kind=cluster\nversion=17\n${running ? 'running=yes\n' : ''}\n${unit}`))).length;
  };

  it('stops whichever of the two runs', () => {
    expect([seen('active', true), seen('active', false), seen('inactive', true), seen('deactivating', true)]).toEqual([1, 1, 1, 1]);
    expect([seen('inactive', false), seen('failed', false)]).toEqual([0, 0]);
  });

  it('disables Patroni at boot before it stops it, when it is to stay down', () => {
    expect([seen('active', true, true, true), seen('inactive', false, true, true), seen('inactive', false, false, true)]).toEqual([
      2, 1, 0,
    ]);
    const script = stopped(true).apply([], { patroni: true, postgresql: true, enabled: true }).text;
    expect(script.indexOf('systemctl -q disable')).toBeLessThan(script.indexOf('systemctl stop'));
    expect(stopped(false).apply([], { patroni: true, postgresql: true, enabled: true }).text).not.toContain('disable');
  });

  it('holds a unit that is no Patroni’s, which may be a generated one, and leaves alone whether it is enabled', () => {
    const unit = 'postgresql@17-main';
    const resource = patroniStopped({ unit, path: '/data', server, staysDown: true, isHeld: true });
    const state = (held: boolean): PatroniStoppedState =>
      resource.parse(
        answer(
          `kind=cluster\nversion=17\n\nNames=${unit}.service\nUnitFileState=disabled\nActiveState=inactive\n\n${held ? '@held\n' : ''}`,
        ),
      );
    expect([resource.diff(state(false)).length, resource.diff(state(true)).length]).toEqual([1, 0]);
    const { text } = resource.apply([], state(false));
    expect(text.indexOf('AssertPathExists=!')).toBeLessThan(text.indexOf('systemctl stop'));
    expect(text).not.toContain('disable');
  });
});

describe('patroniReload', () => {
  it('is done once PostgreSQL reports another time', () => {
    const resource = patroniReload({ url: 'http://10.0.0.1:8008', unit: 'patroni', server, before: '1.5', ...login });
    expect([{ loaded: '1.5' }, { loaded: '2.5' }].map((state) => resource.diff(state).length)).toEqual([1, 0]);
    expect(resource.apply([], { loaded: '1.5' }).text).toContain(CONFIG_LOADED_QUERY);
  });
});
