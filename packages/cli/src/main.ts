import { tellFailure } from './output/failure.ts';
import { watchReaders } from './output/reader-gone.ts';
import { program } from './program.ts';

/** Entry of the command line. */
watchReaders();

try {
  await program().parseAsync(process.argv);
} catch (error) {
  process.exitCode = tellFailure(error);
}
