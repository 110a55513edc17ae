type Act = () => void;

const acts = new Set<Act>();

/** Exit status of a program whose output nobody reads any more, as a shell counts it: 128 + SIGPIPE. */
export const readerGoneStatus = 141;

/**
 * Has something done when whoever read the output went away (`| head`), in place of ending at once: work that goes on elsewhere must not be left behind.
 * @param act may be called more than once
 * @returns takes it back
 */
export const whenReaderGoes = (act: Act): (() => void) => {
  acts.add(act);
  return () => {
    acts.delete(act);
  };
};

/** Listens for readers that go away. Where nothing else is to be done, a lost standard output ends the program without a complaint; lost remarks do not. */
export const watchReaders = (): void => {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') {
        throw error;
      }
      for (const act of acts) {
        act();
      }
      if (acts.size === 0 && stream === process.stdout) {
        process.exit();
      }
    });
  }
};
