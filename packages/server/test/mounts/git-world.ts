import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { startGitServer } from '../repositories/git-server.ts';

/** A git server for the tests of a file, and what servers need to mount from it; both go with the file's end. */
export const gitWorld = async () => {
  const git = await startGitServer();
  const directory = mkdtempSync(join(tmpdir(), 'mirrors-'));
  afterAll(async () => {
    await git.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { git, repositories: { directory, githubUrl: git.url, privateHosts: [git.host] } };
};
