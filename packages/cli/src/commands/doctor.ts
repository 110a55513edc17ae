import { Command } from 'commander';
import { buildChecks } from '../doctor/builds.ts';
import { type Finding, runChecks } from '../doctor/check.ts';
import { isolationChecks } from '../doctor/isolation.ts';
import { kernelChecks } from '../doctor/kernel.ts';
import { machineChecks } from '../doctor/machine.ts';
import { supplyChecks } from '../doctor/supplies.ts';
import { dim, green, print, printJson, red, yellow } from '../output/style.ts';

export const doctorCommand = (): Command =>
  new Command('doctor')
    .description('look whether this machine can run boxes, by trying; exit status 1 when it cannot')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth doctor\n  ./berth doctor --json')
    .action(async (options: { json?: true }) => {
      const findings = await runChecks(
        [...machineChecks, ...kernelChecks, ...isolationChecks, ...buildChecks, ...supplyChecks],
        (finding) => {
          if (!options.json) {
            tell(finding);
          }
        },
      );
      if (options.json) {
        printJson(findings);
      }
      process.exitCode = findings.some(({ result }) => result === 'fail') ? 1 : 0;
    });

const marks = { ok: green('ok  '), warn: yellow('warn'), fail: red('fail') };

const tell = ({ name, result, detail, hint }: Finding): void =>
  print(`${marks[result]} ${name}: ${detail}${hint === undefined ? '' : dim(` – ${hint}`)}`);
