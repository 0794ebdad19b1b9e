import { describe, expect, it } from 'vitest';
import { patroniAnew } from '../../src/resources/patroni/anew.js';
import { told } from '../support/http-answers.js';

const URL = 'http://10.0.0.1:8008';
const resource = patroniAnew({ unit: 'patroni', url: URL, path: '/data', binDirectory: '/bin17', user: 'postgres' });

const unit = (active: string): string => `Names=patroni.service\nLoadState=loaded\nUnitFileState=enabled\nActiveState=${active}\n`;
const WHOLE = 'kind=cluster\nversion=17\nidentifier=7\nstate=shut down';
const WAITS = { state: 'stopped', role: 'uninitialized' };

/** What would be done where the data directory, Patroni and its unit are so. */
function changes(data: string, patroni: object | undefined, active = 'active'): string[] {
  const rest = told(patroni === undefined ? {} : { [`${URL}/patroni`]: JSON.stringify(patroni) }, resource.sharedQuestions ?? []);
  const out = Buffer.from(`${data}\n\f\n${rest}\n${unit(active)}`);
  return resource.diff(resource.parse({ status: 0, out })).map(({ action, summary }) => `${action}: ${summary}`);
}

describe('a Patroni that runs without the data in its directory', () => {
  it('is restarted', () => {
    expect(changes(WHOLE, WAITS)).toEqual(['start: start patroni anew (it runs, but not with the data in /data)']);
  });

  it.each<{ title: string; data: string; patroni: object | undefined; active?: string }>([
    { title: 'it has a server', data: WHOLE, patroni: { state: 'running', role: 'primary' } },
    { title: 'its server is down', data: WHOLE, patroni: { state: 'stopped', role: 'replica' } },
    { title: 'it fills the directory', data: WHOLE, patroni: { state: 'creating replica', role: 'uninitialized' } },
    { title: 'the copy is not complete', data: 'kind=cluster\nversion=17\ncopy=interrupted', patroni: WAITS },
    { title: 'there is no data', data: 'kind=empty', patroni: WAITS },
    { title: 'it does not answer', data: WHOLE, patroni: undefined },
    { title: 'the unit is stopped', data: WHOLE, patroni: WAITS, active: 'inactive' },
  ])('is left alone when $title', ({ data, patroni, active }) => expect(changes(data, patroni, active)).toEqual([]));
});
