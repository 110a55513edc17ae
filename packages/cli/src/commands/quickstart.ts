import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { localUrl } from '../http/endpoint.ts';
import { repositoryDirectory, statePaths } from '../installation/paths.ts';
import { CommandFailure } from '../output/failure.ts';
import { bold, green, print, printJson, red, remark, yellow } from '../output/style.ts';
import { table } from '../output/table.ts';
import { claudeCodeOffer } from '../quickstart/claude-code.ts';
import { type AuditFinding, gatherFindings } from '../quickstart/findings.ts';
import { nextSteps } from '../quickstart/next-steps.ts';
import { allSucceeded, reportJson, runTable } from '../run/report.ts';
import { performRun } from './run.ts';
import { parsePort, startInstallation } from './up.ts';

const auditSeconds = 600;

export const quickstartCommand = (): Command =>
  new Command('quickstart')
    .description('set up, start, and watch an agent audit eight programs in eight boxes at once')
    .option('-p, --port <port>', 'TCP port of the API', parsePort)
    .option('--json', 'print reports and findings as JSON')
    .addHelpText('after', '\nExamples:\n  ./berth quickstart\n  ./berth quickstart --port 8090 --json')
    .action(async (options: { port?: number; json?: true }) => {
      const installation = await startInstallation(statePaths(), options.port);
      const baseUrl = localUrl(installation.port);
      // The audit belongs to this machine, whatever the variables of the caller point at.
      delete process.env['RUNLOOP_API_KEY'];
      process.env['RUNLOOP_BASE_URL'] = baseUrl;
      const example = join(repositoryDirectory(), 'examples', 'security-audit');
      const targets = readdirSync(join(example, 'targets')).sort();
      remark(`\n${bold(`An agent audits ${targets.length} programs, each in a box of its own`)}`);
      const { reports, interrupted } = await performRun('Find the security defects of this program.', {
        agent: join(example, 'agent'),
        repo: targets.map((target) => join(example, 'targets', target)),
        boxes: 1,
        parallel: targets.length,
        timeout: auditSeconds,
      });
      const findings = gatherFindings(reports);
      if (options.json) {
        printJson({ baseUrl, reports: reports.map(reportJson), findings });
      } else {
        print(`\n${findingsTable(findings)}\n\n${runTable(reports)}\n`);
      }
      if (interrupted || !allSucceeded(reports)) {
        throw new CommandFailure(interrupted ? 'interrupted' : 'not every audit came to its end', {
          hint: 'the table above says why; ./berth logs server and ./berth logs host say more',
          exitStatus: interrupted ? 130 : 1,
        });
      }
      if (!options.json) {
        print(nextSteps(baseUrl));
        if (process.env['ANTHROPIC_API_KEY']) {
          print(`\n${claudeCodeOffer()}`);
        }
      }
    });

const colours = { high: red, medium: yellow, low: green } as const;

const findingsTable = (findings: readonly AuditFinding[]): string => {
  const rows = findings.map(({ severity, target, file, line, cwe, title, tools }) => [
    (colours[severity as keyof typeof colours] ?? String)(severity),
    `${target}/${file}:${line}`,
    cwe,
    title,
    tools.join(', '),
  ]);
  return `${bold(`${findings.length} findings`)}\n${table(['SEVERITY', 'PLACE', 'WEAKNESS', 'WHAT', 'SEEN BY'], rows)}`;
};
