import { describe, expect, it } from 'vitest';
import type { ClusterData, DataDirectoryState } from '../../src/resources/data-directory.js';
import type { BootstrapState } from '../../src/resources/interrupted-bootstrap.js';
import { soundData } from '../../src/resources/sound-data.js';
import { sh } from '../../src/shell/quote.js';

const SOUND: ClusterData = {
  kind: 'cluster',
  version: '17',
  systemIdentifier: '7',
  checksums: 1,
  clusterState: 'shut down in recovery',
  copy: 'none',
  ours: false,
  control: 'valid',
  running: false,
  position: { timeline: 2, checkpoint: '0/1', nextOid: 20_000, lastRecord: '0/9' },
  history: undefined,
  misowned: undefined,
};

describe('soundData', () => {
  const stateOf = (data: DataDirectoryState, rest: Partial<BootstrapState> = {}): BootstrapState => ({
    initialize: 'set',
    led: true,
    underWay: false,
    configured: true,
    enabled: true,
    noted: false,
    data,
    ...rest,
  });
  const resource = soundData({
    path: '/d',
    version: 17,
    user: 'postgres',
    group: 'dba',
    seen: { id: 'x', probe: () => sh`:`, parse: () => stateOf(SOUND) },
  });

  it.each<{ title: string; data: DataDirectoryState; rest?: Partial<BootstrapState>; change?: string; advice?: RegExp }>([
    { title: 'sound', data: SOUND },
    { title: 'absent', data: { kind: 'absent' } },
    { title: 'open', data: { ...SOUND, running: true, misowned: '/d/base' } },
    { title: 'being copied', data: { ...SOUND, control: 'missing', copy: 'under way' } },
    {
      title: 'being made by initdb',
      data: { ...SOUND, control: 'missing' },
      rest: { initialize: 'empty', underWay: true, enabled: false },
    },
    { title: 'left by initdb', data: { ...SOUND, control: 'missing' }, rest: { initialize: 'empty', enabled: false } },
    {
      title: 'zeroed',
      data: { ...SOUND, control: 'zero' },
      change: 'use the data in /d, where global/pg_control holds zeros only',
      advice: /built anew from the leader.*mv \/d \/d\.damaged/u,
    },
    {
      title: 'truncated',
      data: { ...SOUND, control: 'truncated' },
      change: 'use the data in /d, where global/pg_control is shorter than its 8192 bytes',
      advice: /mv \/d/u,
    },
    {
      title: 'damaged',
      data: { ...SOUND, control: 'damaged' },
      change: 'use the data in /d, where the checksum of global/pg_control does not match',
      advice: /mv \/d/u,
    },
    {
      title: 'without pg_control',
      data: { ...SOUND, control: 'missing' },
      change: 'use the data in /d, where global/pg_control is missing or empty',
      advice: /mv \/d/u,
    },
    {
      title: 'of another major version',
      data: { ...SOUND, version: '16' },
      change: 'use the data in /d, where PostgreSQL 16 left its data, and the cluster’s is 17',
      advice: /mv \/d/u,
    },
    {
      title: 'with files of another owner',
      data: { ...SOUND, misowned: '/d/base/1' },
      change: 'use the data in /d, where /d/base/1 does not belong to postgres',
      advice: /chown -R postgres:dba \/d/u,
    },
  ])('decides about data that is $title: $change', ({ data, rest, change, advice }) => {
    const state = stateOf(data, rest);
    const changes = resource.diff(state);
    expect(changes.map(({ summary }) => summary)).toEqual(change === undefined ? [] : [change]);
    if (advice === undefined) return;
    const { text } = resource.apply(changes, state);
    expect(text).toMatch(advice);
    expect(text).toMatch(/\nexit 1$/u);
  });
});
