import { formatDuration } from '../output/quantities.ts';
import { dim, green, red, remark } from '../output/style.ts';
import type { AttemptListener } from './attempt.ts';

/** Shows what all boxes of a run do. */
export interface RunView {
  readonly listener: (index: number) => AttemptListener;
  /** Leaves the screen to what comes next. */
  readonly end: () => void;
}

/**
 * On a terminal that is high enough one line a box, rewritten in place; else one plain line for each change.
 * @param names what each box works on
 * @param verbose every line the agents print, with the box's name before it
 */
export const startRunView = (names: readonly string[], verbose: boolean): RunView => {
  const rows = process.stderr.rows ?? 0;
  return process.stderr.isTTY && !verbose && names.length < rows - 1 ? blockView(names) : lineView(names, verbose);
};

const lineView = (names: readonly string[], verbose: boolean): RunView => {
  const width = Math.max(...names.map((name) => name.length));
  return {
    listener: (index) => {
      const label = dim(`[${(names[index] ?? '').padEnd(width)}]`);
      const splitters = {
        stdout: lineSplitter((line) => remark(`${label} ${line}`)),
        stderr: lineSplitter((line) => remark(`${label} ${line}`)),
      };
      return {
        phase: (text) => {
          splitters.stdout.flush();
          splitters.stderr.flush();
          remark(`${label} ${dim(text)}`);
        },
        output: (stream, text) => {
          if (verbose) {
            splitters[stream].add(text);
          }
        },
      };
    },
    end: () => undefined,
  };
};

const redrawMs = 100;

const blockView = (names: readonly string[]): RunView => {
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map(() => ({ phase: 'waiting', last: '', sinceMs: performance.now(), ended: false }));
  let drawn = false;
  const draw = (): void => {
    const columns = process.stderr.columns ?? 80;
    const up = drawn ? `\u001b[${lines.length}A` : '';
    const text = lines.map(({ phase, last, sinceMs, ended }, index) => {
      const mark = ended ? (phase === 'exit 0' ? green('✓') : red('✗')) : '…';
      const time = ended ? '' : ` ${formatDuration(performance.now() - sinceMs)}`;
      const head = `${(names[index] ?? '').padEnd(width)}  ${phase}${time}`;
      return `\r\u001b[K${mark} ${head.slice(0, columns - 3)} ${dim(last.slice(0, Math.max(0, columns - head.length - 4)))}`;
    });
    process.stderr.write(`${up}${text.join('\n')}\n`);
    drawn = true;
  };
  draw();
  const timer = setInterval(draw, redrawMs);
  return {
    listener: (index) => {
      const line = lines[index];
      return {
        phase: (text) => {
          if (line !== undefined) {
            Object.assign(line, {
              phase: text,
              last: '',
              sinceMs: performance.now(),
              ended: /^(exit|killed|lost|timeout|interrupted|\w+_failed)\b/.test(text),
            });
          }
        },
        output: (_stream, text) => {
          const last = text.trimEnd().split('\n').at(-1);
          if (line !== undefined && last) {
            // biome-ignore lint/suspicious/noControlCharactersInRegex: what a box prints must not move the cursor here
            line.last = last.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
          }
        },
      };
    },
    end: () => {
      clearInterval(timer);
      draw();
    },
  };
};

/** Gathers text into lines. */
export const lineSplitter = (sink: (line: string) => void): { add: (text: string) => void; flush: () => void } => {
  let pending = '';
  return {
    add: (text) => {
      const lines = (pending + text).split('\n');
      pending = lines.pop() ?? '';
      lines.forEach(sink);
    },
    flush: () => {
      if (pending !== '') {
        sink(pending);
        pending = '';
      }
    },
  };
};
