import type {
  DevboxView,
  devboxCreate,
  devboxListView,
  ExecutionDetailView,
  ExecutionView,
  LogEntryView,
  launchParameters,
  outputChunk,
  stdinResult,
  UsageView,
} from '@berth/contract';
import type Runloop from '@runloop/api-client';
import type { DevboxEvictionEventView } from '@runloop/api-client/resources/devboxes/devboxes';
import type { ExecutionUpdateChunk } from '@runloop/api-client/resources/devboxes/executions';
import type { DevboxLogsListView } from '@runloop/api-client/resources/devboxes/logs';
import type { LaunchParameters } from '@runloop/api-client/resources/shared';
import { describe, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type { watchEvictions } from '../../src/evictions/watch.ts';

/** Launch parameters are given back as they came: what may be in them is checked on the way in. */
type Box<View extends object> = Omit<View, 'launch_parameters' | 'state_transitions'>;

/** Members that a client reads as absent when they are undefined. */
type Given<Value> = { [Name in keyof Value]: Exclude<Value[Name], undefined> };

// These hold or fail when the types are checked; nothing happens at run time.
describe('answers fit the declarations of the official client', () => {
  it('devboxes', () => {
    expectTypeOf<Box<DevboxView>>().toExtend<Box<Runloop.DevboxView>>();
    type Transition = Given<DevboxView['state_transitions'][number]>;
    expectTypeOf<Required<Transition>>().toExtend<Required<Runloop.DevboxView.StateTransition>>();
    type List = z.output<typeof devboxListView>;
    expectTypeOf<keyof Runloop.DevboxListView>().toExtend<keyof List>();
    expectTypeOf<Box<List['devboxes'][number]>>().toExtend<Box<Runloop.DevboxView>>();
    expectTypeOf<UsageView>().toExtend<Runloop.DevboxResourceUsageView>();
  });

  it('executions', () => {
    expectTypeOf<Omit<ExecutionView, 'end'>>().toExtend<Runloop.DevboxAsyncExecutionDetailView>();
    expectTypeOf<ExecutionDetailView>().toExtend<Runloop.DevboxExecutionDetailView>();
    expectTypeOf<z.output<typeof outputChunk>>().toExtend<ExecutionUpdateChunk>();
    expectTypeOf<z.output<typeof stdinResult>>().toExtend<Runloop.DevboxSendStdInResult>();
  });

  it('logs and evictions', () => {
    type Log = Given<LogEntryView>;
    expectTypeOf<Required<Log>>().toExtend<Required<DevboxLogsListView.Log>>();
    type Eviction = ReturnType<typeof watchEvictions> extends AsyncGenerator<infer Event> ? Event : never;
    expectTypeOf<Eviction>().toExtend<DevboxEvictionEventView>();
  });
});

describe('the contract knows every parameter that the official client can send', () => {
  it('creation and launch parameters', () => {
    expectTypeOf<keyof Runloop.DevboxCreateParams>().toExtend<keyof z.input<typeof devboxCreate>>();
    expectTypeOf<keyof LaunchParameters>().toExtend<keyof z.input<typeof launchParameters>>();
  });
});
