/** SQL states of a server that is going down, starting up, out of connections, or gone. */
const unavailableStates = new Set([
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '08000',
  '08001',
  '08003',
  '08004',
  '08006',
  '25006',
]);
const unavailableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** pg reports these without a code. */
const unavailableMessages =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Client was closed|Query read timeout)/;

const textOf = (value: object, name: string): string => {
  const found: unknown = Reflect.get(value, name);
  return typeof found === 'string' ? found : '';
};

/** Whether an error of the driver means that the database cannot be reached now, rather than that a statement was wrong. */
export const isDatabaseUnavailable = (thrown: unknown): boolean => {
  if (!(thrown instanceof Error)) {
    return false;
  }
  const code = textOf(thrown, 'code');
  if (unavailableStates.has(code)) {
    return true;
  }
  // System errors count only on the way to the database: pg's own carry the address or the connect call.
  if (unavailableCodes.has(code)) {
    return ['connect', 'read', 'write', 'getaddrinfo'].includes(textOf(thrown, 'syscall'));
  }
  return unavailableMessages.test(thrown.message);
};
