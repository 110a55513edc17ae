import { tellFailure } from './output/failure.ts';
import { program } from './program.ts';

/** Entry of the command line. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of a pipe went away (`| head`): not a failure of ours.
  if (error.code === 'EPIPE') {
    process.exit(0);
  }
  throw error;
});

try {
  await program().parseAsync(process.argv);
} catch (error) {
  process.exitCode = tellFailure(error);
}
