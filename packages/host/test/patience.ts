const factor = Number(process.env['BERTH_TEST_PATIENCE'] ?? 1);

/** How long a test waits here for what takes at most so long on a usual machine; `BERTH_TEST_PATIENCE` stretches it for slow ones. */
export const patienceMs = (usualMs: number) => usualMs * factor;
