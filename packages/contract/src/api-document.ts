import type { NotYetRoute } from './not-yet.ts';
import type { RouteContract } from './route.ts';

const served = (contracts: readonly RouteContract[]): string => {
  const tags = [...new Set(contracts.map((contract) => contract.tag))];
  return tags
    .map((tag) => {
      const rows = contracts
        .filter((contract) => contract.tag === tag)
        .map((contract) => `| ${contract.method} | \`${contract.path}\` | ${contract.summary} |`);
      return `### ${tag}\n\n| | path | |\n|---|---|---|\n${rows.join('\n')}\n`;
    })
    .join('\n');
};

const later = (table: readonly NotYetRoute[]): string =>
  [...new Set(table.map((route) => route.feature))]
    .map((feature) => {
      const paths = table
        .filter((route) => route.feature === feature)
        .map((route) => `\`${route.method} ${route.path}\``);
      return `* **${feature}** – ${paths.join(', ')}`;
    })
    .join('\n');

/** docs/API.md as text: what is served, and what answers 501. */
export const apiMarkdown = (contracts: readonly RouteContract[], table: readonly NotYetRoute[]): string => `# The API

Berth speaks the Runloop API: the official clients, pointed at it by \`RUNLOOP_BASE_URL\`, work unchanged. A running server describes itself at
\`/openapi.json\`. This page is made from the same tables by \`node scripts/write-api-document.ts\`; a test holds it to them.

## Served

${served(contracts)}
## Not yet

These endpoints of the Runloop API are known and answer **501** with code \`notImplemented\`, naming the feature, and \`x-should-retry: false\`.

${later(table)}
`;
