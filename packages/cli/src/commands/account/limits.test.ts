import { describe, expect, it } from 'vitest';
import { quotasLine } from '../../status/quotas.ts';
import { parseLimit } from './limits.ts';

describe('limits on the command line', () => {
  it('are numbers, or go back to what the settings say', () => {
    expect(parseLimit('running=5', {})).toEqual({ running: 5 });
    expect(parseLimit('objectGib=0.5', { running: 5 })).toEqual({ running: 5, objectGib: 0.5 });
    expect(parseLimit('running=default', { running: 5 })).toEqual({ running: null });
  });

  it.each(['running', 'running=', 'running=-1', 'running=1e9', 'running=1=2', 'runing=1', '__proto__=1'])(
    'are refused as %s',
    (text) => {
      expect(() => parseLimit(text, {})).toThrow();
    },
  );

  it('are shown by what the account has', () => {
    const none = { limit: 10, used: 0 };
    const quotas = {
      ...{ running_devboxes: { limit: 10, used: 2 }, memory_gib: { limit: 64, used: 3.999 }, disk_gib: none },
      ...{ snapshots: none, snapshot_gib: none, blueprints: none, builds: none, object_gib: none },
    };
    expect(quotasLine(quotas)).toBe('running 2 of 10, memoryGib 4 of 64');
    expect(quotasLine({ ...quotas, running_devboxes: none, memory_gib: none })).toContain('has nothing');
  });
});
