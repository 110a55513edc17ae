/** What the registry says of one error. `message` may hold `{name}` places that the caller fills. */
export interface ErrorDefinition {
  /** HTTP status of the answer. */
  readonly status: number;
  /** Whether the same request may succeed later. `false` on 409, 429 or 5xx makes the answer carry `x-should-retry: false`. */
  readonly retryable: boolean;
  readonly message: string;
  /** What the caller can do about it. */
  readonly hint: string;
}

const registry = <const Table extends Record<string, ErrorDefinition>>(table: Table): Table => table;

/** Every error that a caller of the API can meet. Codes are stable; messages are for people. */
export const errors = registry({
  invalidRequest: {
    status: 400,
    retryable: false,
    message: 'invalid request: {problem}',
    hint: 'compare the request with /openapi.json',
  },
  malformedJson: {
    status: 400,
    retryable: false,
    message: 'the request body is not valid JSON: {problem}',
    hint: 'send a JSON object with content-type application/json',
  },
  malformedId: {
    status: 400,
    retryable: false,
    message: "'{id}' is not a well-formed {resource} id",
    hint: 'ids are {prefix} followed by 21 letters and digits',
  },
  unauthorized: {
    status: 401,
    retryable: false,
    message: 'unauthorized: {problem}',
    hint: 'send Authorization: Bearer with a valid API key',
  },
  forbidden: {
    status: 403,
    retryable: false,
    message: 'this key has no {level} access to {resource}',
    hint: 'use a key whose scopes allow it',
  },
  accountDisabled: {
    status: 403,
    retryable: false,
    message: 'the account is disabled: no devbox capability',
    hint: 'ask the operator of this installation to enable it',
  },
  notFound: {
    status: 404,
    retryable: false,
    message: '{resource} {id} was not found',
    hint: 'check the id and that the key belongs to the right account',
  },
  routeNotFound: {
    status: 404,
    retryable: false,
    message: 'no route {method} {path}',
    hint: 'see /openapi.json for what exists',
  },
  methodNotAllowed: {
    status: 405,
    retryable: false,
    message: '{path} does not answer {method}, only {allowed}',
    hint: 'see /openapi.json for what exists',
  },
  longPollTimeout: {
    status: 408,
    retryable: true,
    message: 'none of the requested states was reached within {seconds} s',
    hint: 'ask again to go on waiting',
  },
  requestTimeout: {
    status: 408,
    retryable: true,
    message: 'the request body did not arrive in time',
    hint: 'send the request again',
  },
  duplicateName: {
    status: 400,
    retryable: false,
    message: "a {resource} named '{name}' already exists",
    hint: 'choose another name, or update the existing one',
  },
  idempotencyKeyReused: {
    status: 422,
    retryable: false,
    message: 'the idempotency key was used before on this route with a different request',
    hint: 'use a fresh x-request-id for each distinct request',
  },
  payloadTooLarge: {
    status: 413,
    retryable: false,
    message: 'the request body is larger than {limitBytes} bytes',
    hint: 'upload large content as a file instead',
  },
  unsupportedMediaType: {
    status: 415,
    retryable: false,
    message: 'content type {contentType} is not supported here',
    hint: 'send {expected}',
  },
  unknownSource: {
    status: 400,
    retryable: false,
    message: "{resource} '{id}' does not exist",
    hint: 'GET /v1/devboxes/disk_snapshots lists snapshots; without a source a devbox starts from the default image',
  },
  unknownSecret: {
    status: 400,
    retryable: false,
    message: "secret '{name}' does not exist",
    hint: 'store it first with POST /v1/secrets',
  },
  architectureUnavailable: {
    status: 400,
    retryable: false,
    message: 'architecture {architecture} is not available on this host, which is {available}',
    hint: 'leave launch_parameters.architecture out',
  },
  devboxNotRunning: {
    status: 400,
    retryable: false,
    message: 'devbox {id} is {status}, not running',
    hint: 'wait until it is running, resume it if it is suspended, or create a new one',
  },
  devboxNotSuspended: {
    status: 400,
    retryable: false,
    message: 'devbox {id} is {status}, not suspended',
    hint: 'only a suspended devbox can be resumed',
  },
  resumeFailed: {
    status: 400,
    retryable: false,
    message: 'devbox {id} is suspended again: {reason}',
    hint: 'its disk is kept: resume it once more, or with memory false to start it from its disk',
  },
  memoryUnsupported: {
    status: 400,
    retryable: false,
    message: 'the memory of devbox {id} cannot be kept: {reason}',
    hint: 'leave memory out to keep the disk alone, or create devboxes with launch_parameters.isolation gvisor',
  },
  quotaExceeded: {
    status: 429,
    retryable: false,
    message: 'the account would exceed its quota of {limit} {what}: it has {used} and asks for {more} more',
    hint: 'shut down, suspend or delete what is not needed, or ask the operator of this installation for more (./berth account limits --set)',
  },
  exceedsHost: {
    status: 400,
    retryable: false,
    message: 'no devbox of this size ever fits this host: it asks for more {what} than there is',
    hint: 'ask for a smaller size',
  },
  snapshotNotReady: {
    status: 400,
    retryable: false,
    message: "snapshot '{id}' is {status}",
    hint: 'wait until its status is complete',
  },
  snapshotIncomplete: {
    status: 409,
    retryable: false,
    message: 'snapshot {id} is still {status}',
    hint: 'poll its status, then delete it',
  },
  blueprintNotReady: {
    status: 400,
    retryable: false,
    message: "blueprint '{id}' is {status}",
    hint: 'wait until its status is build_complete; GET /v1/blueprints/{id}/logs tells why a build failed',
  },
  blueprintInUse: {
    status: 400,
    retryable: false,
    message: 'blueprint {id} cannot be deleted: snapshots depend on it: {snapshots}',
    hint: 'delete these snapshots first; GET /v1/devboxes/disk_snapshots?source_blueprint_id= lists them',
  },
  buildLogExpired: {
    status: 404,
    retryable: false,
    message: 'the build log of blueprint {id} is no longer kept',
    hint: 'logs go with the blueprint',
  },
  snapshotInProgress: {
    status: 409,
    retryable: false,
    message: 'devbox {id} has a snapshot in progress',
    hint: 'wait until it is complete, or shut down with force=true and lose it',
  },
  snapshotFailed: {
    status: 500,
    retryable: false,
    message: 'snapshot {id} failed: {reason}',
    hint: 'take another one once the cause is mended',
  },
  executionStillRunning: {
    status: 408,
    retryable: true,
    message: 'execution {id} is still {status} after {seconds} s',
    hint: 'send the same command_id again, or wait for its status',
  },
  executionConflict: {
    status: 409,
    retryable: false,
    message: 'execution {id} exists already with another command',
    hint: 'use a fresh command_id for each command',
  },
  executionLost: {
    status: 500,
    retryable: false,
    message: 'execution {id} was lost: {reason}; its exit status is unknown',
    hint: 'its output so far can be streamed; look before running it again',
  },
  outputExpired: {
    status: 404,
    retryable: false,
    message: 'what devbox {id} has put out is no longer kept',
    hint: 'read outputs and logs within the retention time after shutdown',
  },
  stdinNotAttached: {
    status: 400,
    retryable: false,
    message: 'execution {id} has no standard input',
    hint: 'start it with attach_stdin: true',
  },
  fileNotFound: {
    status: 400,
    retryable: false,
    message: 'file does not exist: {path}',
    hint: 'paths are absolute or relative to the home of the devbox user',
  },
  fileIsDirectory: {
    status: 400,
    retryable: false,
    message: '{path} is a directory',
    hint: 'name a file',
  },
  fileParentNotDirectory: {
    status: 400,
    retryable: false,
    message: '{path}: a part of the path is not a directory',
    hint: 'check the path',
  },
  filePermissionDenied: {
    status: 400,
    retryable: false,
    message: 'permission denied: {path}',
    hint: 'files are read and written with the rights of the devbox user',
  },
  fileNoSpace: {
    status: 400,
    retryable: false,
    message: 'no space left on the devbox disk for {path}',
    hint: 'remove files, or create a devbox with a larger disk',
  },
  fileTooLarge: {
    status: 400,
    retryable: false,
    message: '{path} is too large for this call',
    hint: 'use upload_file or download_file, which stream',
  },
  filePathInvalid: {
    status: 400,
    retryable: false,
    message: 'the path {path} cannot be used: {problem}',
    hint: 'paths are absolute or relative to the home of the devbox user',
  },
  uploadIncomplete: {
    status: 400,
    retryable: false,
    message: 'the upload is not a complete multipart form: {problem}',
    hint: 'send the parts path (text) and file (bytes)',
  },
  objectNotUploading: {
    status: 409,
    retryable: false,
    message: 'object {id} is {state}, not UPLOADING',
    hint: 'content is uploaded once; create another object for other content',
  },
  objectNotUploaded: {
    status: 409,
    retryable: false,
    message: 'nothing has been uploaded to object {id} yet',
    hint: 'PUT the content (it may be empty) to upload_url first',
  },
  objectNotReadable: {
    status: 400,
    retryable: false,
    message: 'object {id} is {state}: it has no content to read',
    hint: 'objects are read once their upload is complete, and until they are deleted',
  },
  presignedUrlInvalid: {
    status: 403,
    retryable: false,
    message: 'this URL was not made by this server for this method and object',
    hint: 'use upload_url or download_url as they are',
  },
  presignedUrlExpired: {
    status: 403,
    retryable: false,
    message: 'this URL has expired',
    hint: 'ask for another download URL, or create another object to upload to',
  },
  uploadBrokenOff: {
    status: 400,
    retryable: false,
    message: 'the upload ended before its content did',
    hint: 'send it again to the same URL',
  },
  storageFull: {
    status: 507,
    retryable: false,
    message: 'there is no room left where objects are kept',
    hint: 'delete objects, or give BERTH_BLOBS more room',
  },
  storageUnavailable: {
    status: 503,
    retryable: true,
    message: 'the place where objects are kept cannot be reached at the moment',
    hint: 'try again in a few seconds',
  },
  databaseUnavailable: {
    status: 503,
    retryable: true,
    message: 'the database cannot be reached at the moment',
    hint: 'try again in a few seconds',
  },
  hostUnavailable: {
    status: 503,
    retryable: true,
    message: 'the host that runs the devboxes cannot be reached at the moment',
    hint: 'try again in a few seconds',
  },
  notReady: {
    status: 503,
    retryable: true,
    message: 'not ready: {problem}',
    hint: 'look at the logs of the part that is named',
  },
  notImplemented: {
    status: 501,
    retryable: false,
    message: '{feature} is not available in this version of Berth',
    hint: 'docs/API.md lists what is',
  },
  internal: {
    status: 500,
    retryable: true,
    message: 'internal error, request {requestId}',
    hint: 'the server log has the cause under that request id',
  },
});

export type ErrorCode = keyof typeof errors;

type Places<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Places<Rest> : never;

/** The values that the message and hint of an error need. */
export type ErrorValues<Code extends ErrorCode> = {
  readonly [Name in Places<(typeof errors)[Code]['message']> | Places<(typeof errors)[Code]['hint']>]: string | number;
};

/** Body of every error answer. Clients show `message` (API §2.4). */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly retryable: boolean;
}
