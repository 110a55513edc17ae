import { afterEach, describe } from 'vitest';
import { Bench, real, realGuestUsable, type StartGuest, scripted } from './harness.ts';
import { chaosSuite } from './suite-chaos.ts';
import { executionSuite } from './suite-executions.ts';
import { fileSuite } from './suite-files.ts';
import { logSuite } from './suite-logs.ts';
import { outputSuite } from './suite-output.ts';
import { restartSuite } from './suite-restart.ts';

const guests: ReadonlyArray<[name: string, start: StartGuest, usable: boolean]> = [
  ['a scripted guest', scripted, true],
  ['the real guest (BERTH_GUEST_BINARY)', real, realGuestUsable],
];

const suites = {
  executions: executionSuite,
  output: outputSuite,
  files: fileSuite,
  logs: logSuite,
  chaos: chaosSuite,
  restart: restartSuite,
};

for (const [name, start, usable] of guests) {
  describe.skipIf(!usable)(`host side of a box, with ${name}`, () => {
    let bench: Bench | undefined;
    const begin = async (): Promise<Bench> => {
      bench = await Bench.start(start);
      return bench;
    };
    afterEach(async () => {
      await bench?.stop();
      bench = undefined;
    });
    for (const [part, suite] of Object.entries(suites)) {
      describe(part, () => suite(begin));
    }
  });
}
