/** Writes docs/API.md from the route tables of the contract. */
import { writeFile } from 'node:fs/promises';
import { allRoutes, apiMarkdown, notYetRoutes } from '@berth/contract';

await writeFile(new URL('../docs/API.md', import.meta.url), apiMarkdown(allRoutes, notYetRoutes));
