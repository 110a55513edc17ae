import type { BlueprintBuildLog } from '@berth/contract';
import { formatDuration } from '../output/quantities.ts';
import { bold, dim, red, yellow } from '../output/style.ts';

/** `STEP 3/7: RUN make`, with the stage before it where there are several: `[1/2] STEP 3/7: RUN make`. */
const stepLine = /^(?:\[\d+\/\d+\] )?STEP (\d+)\/(\d+): (.*)$/;
const levels: Readonly<Record<string, (text: string) => string>> = { error: red, warn: yellow };

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a build prints must not steer the terminal
const controls = /\u001b\[[0-9;?]*[ -/]*[@-~]|[\u0000-\u0008\u000b-\u001f\u007f\u0080-\u009f]/g;

/** Puts the log of a build into words: each step with its number, and the time that it took once the next one begins. */
export class BuildText {
  #step: { readonly label: string; readonly sinceMs: number } | undefined;

  /** Lines to show for one line of the log. */
  lines(log: BlueprintBuildLog): string[] {
    const message = log.message.replace(controls, '');
    const [, number, total, what] = stepLine.exec(message) ?? [];
    if (number === undefined) {
      return [`  ${(levels[log.level] ?? dim)(message)}`];
    }
    const ended = this.end(log.timestamp_ms);
    this.#step = { label: `${number}/${total}`, sinceMs: log.timestamp_ms };
    return [...ended, `${bold(`[${number}/${total}]`)} ${what}`];
  }

  /** What is left to say once the build has ended at this time (Unix ms). */
  end(atMs: number): string[] {
    const step = this.#step;
    this.#step = undefined;
    return step === undefined ? [] : [dim(`[${step.label}] ${formatDuration(Math.max(0, atMs - step.sinceMs))}`)];
  }
}
