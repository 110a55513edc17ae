import { Command } from 'commander';
import { expect, it } from 'vitest';
import { addIdleOptions, addLaunchOptions, launchParametersOf } from './launch-options.ts';

/** The launch parameters that these words stand for. */
const parameters = (...words: string[]) => {
  const command = addIdleOptions(
    addLaunchOptions(new Command().exitOverride().configureOutput({ writeErr: () => undefined })),
  );
  return launchParametersOf(command.parse(words, { from: 'user' }).opts());
};

it.each([
  [[], {}],
  [['--size', 'x-large', '--isolation', 'gvisor'], { resource_size_request: 'X_LARGE', isolation: 'gvisor' }],
  [['--idle', '10m'], { lifecycle: { after_idle: { idle_time_seconds: 600, on_idle: 'suspend' } } }],
  [
    ['--idle', '1h', '--on-idle', 'shutdown'],
    { lifecycle: { after_idle: { idle_time_seconds: 3_600, on_idle: 'shutdown' } } },
  ],
  [['--suspend-memory'], { lifecycle: { suspend_memory: true } }],
])('%j', (words, expected) => {
  expect(parameters(...words)).toEqual(expected);
});

it.each([[['--isolation', 'strong']], [['--on-idle', 'sleep']], [['--idle', 'soon']]])('refuses %j', (words) => {
  expect(() => parameters(...words)).toThrow();
});
