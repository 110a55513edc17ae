/**
 * What Berth answers is what the official client declares, and what the client may send is what Berth reads. The compiler checks it
 * (`npm run typecheck`); at run time nothing is left to do.
 */
import type { AccountView as ClientAccountView } from '@runloop/api-client/resources/accounts';
import type { APIKeyCreatedView, ApikeyCreateParams } from '@runloop/api-client/resources/apikeys';
import type * as ClientBlueprints from '@runloop/api-client/resources/blueprints';
import type * as ClientDevboxes from '@runloop/api-client/resources/devboxes/devboxes';
import type {
  DevboxSnapshotAsyncStatusView,
  DiskSnapshotUpdateParams,
} from '@runloop/api-client/resources/devboxes/disk-snapshots';
import type * as ClientExecutions from '@runloop/api-client/resources/devboxes/executions';
import type { DevboxLogsListView } from '@runloop/api-client/resources/devboxes/logs';
import type * as ClientSecrets from '@runloop/api-client/resources/secrets';
import { expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type * as contract from '../src/index.ts';

/** A declaration of the client with optional members as this project writes them: absent and undefined are the same in JSON. */
type Declared<T> = T extends readonly (infer Item)[]
  ? Declared<Item>[]
  : T extends object
    ? { [Name in keyof T]: undefined extends T[Name] ? Declared<T[Name]> | undefined : Declared<T[Name]> }
    : T;

/** What is left of a request once members that are null are taken away, which the server does before it reads (API §1.1). */
type WithoutNulls<T> = T extends readonly (infer Item)[]
  ? WithoutNulls<Item>[]
  : T extends object
    ? { [Name in keyof T]: WithoutNulls<Exclude<T[Name], null>> }
    : T;

/** The answer of a route. */
type Answer<Schema extends z.ZodType> = z.output<Schema>;
/** What a caller may send. */
type Request<Schema extends z.ZodType> = z.input<Schema>;

it('answers with accounts, keys and secrets as the client declares them', () => {
  expectTypeOf<contract.AccountView>().toExtend<Declared<ClientAccountView>>();
  expectTypeOf<contract.ApiKeyCreated>().toExtend<Declared<APIKeyCreatedView>>();
  expectTypeOf<contract.SecretView>().toExtend<Declared<ClientSecrets.SecretView>>();
  expectTypeOf<contract.SecretListView>().toExtend<Declared<ClientSecrets.SecretListView>>();
});

it('answers with devboxes as the client declares them', () => {
  expectTypeOf<Answer<typeof contract.devboxView>>().toExtend<Declared<ClientDevboxes.DevboxView>>();
  expectTypeOf<Answer<typeof contract.devboxListView>>().toExtend<Declared<ClientDevboxes.DevboxListView>>();
  expectTypeOf<Answer<typeof contract.usageView>>().toExtend<Declared<ClientDevboxes.DevboxResourceUsageView>>();
  expectTypeOf<Answer<typeof contract.evictionEvent>>().toExtend<Declared<ClientDevboxes.DevboxEvictionEventView>>();
  expectTypeOf<Answer<typeof contract.snapshotView>>().toExtend<Declared<ClientDevboxes.DevboxSnapshotView>>();
  expectTypeOf<Answer<typeof contract.snapshotListView>>().toExtend<Declared<ClientDevboxes.DevboxSnapshotListView>>();
  expectTypeOf<Answer<typeof contract.snapshotStatusView>>().toExtend<Declared<DevboxSnapshotAsyncStatusView>>();
  expectTypeOf<Answer<typeof contract.logsView>>().toExtend<Declared<DevboxLogsListView>>();
});

it('answers with blueprints as the client declares them', () => {
  expectTypeOf<Answer<typeof contract.blueprintView>>().toExtend<Declared<ClientBlueprints.BlueprintView>>();
  expectTypeOf<Answer<typeof contract.blueprintListView>>().toExtend<Declared<ClientBlueprints.BlueprintListView>>();
  expectTypeOf<Answer<typeof contract.blueprintPreviewView>>().toExtend<
    Declared<ClientBlueprints.BlueprintPreviewView>
  >();
  expectTypeOf<Answer<typeof contract.blueprintBuildLogsView>>().toExtend<
    Declared<ClientBlueprints.BlueprintBuildLogsListView>
  >();
});

it('answers with executions as the client declares them', () => {
  expectTypeOf<Answer<typeof contract.executionView>>().toExtend<
    Declared<ClientDevboxes.DevboxAsyncExecutionDetailView>
  >();
  expectTypeOf<Answer<typeof contract.executionDetailView>>().toExtend<
    Declared<ClientDevboxes.DevboxExecutionDetailView>
  >();
  expectTypeOf<Answer<typeof contract.stdinResult>>().toExtend<Declared<ClientDevboxes.DevboxSendStdInResult>>();
  expectTypeOf<Answer<typeof contract.outputChunk>>().toExtend<Declared<ClientExecutions.ExecutionUpdateChunk>>();
});

it('reads whatever the client may send', () => {
  expectTypeOf<WithoutNulls<ApikeyCreateParams>>().toExtend<Request<typeof contract.apiKeyCreate>>();
  expectTypeOf<WithoutNulls<ClientSecrets.SecretCreateParams>>().toExtend<Request<typeof contract.secretCreate>>();
  expectTypeOf<WithoutNulls<ClientSecrets.SecretUpdateParams>>().toExtend<Request<typeof contract.secretUpdate>>();
  expectTypeOf<WithoutNulls<ClientDevboxes.DevboxUpdateParams>>().toExtend<Request<typeof contract.devboxUpdate>>();
  expectTypeOf<WithoutNulls<ClientDevboxes.DevboxCreateParams>>().toExtend<Request<typeof contract.devboxCreate>>();
  expectTypeOf<WithoutNulls<ClientDevboxes.DevboxSnapshotDiskParams>>().toExtend<
    Request<typeof contract.snapshotDisk>
  >();
  expectTypeOf<WithoutNulls<ClientBlueprints.BlueprintCreateParams>>().toExtend<
    Request<typeof contract.blueprintBuildParameters>
  >();
  expectTypeOf<WithoutNulls<ClientBlueprints.BlueprintPreviewParams>>().toExtend<
    Request<typeof contract.blueprintBuildParameters>
  >();
  expectTypeOf<WithoutNulls<DiskSnapshotUpdateParams>>().toExtend<Request<typeof contract.snapshotDisk>>();
  expectTypeOf<WithoutNulls<ClientDevboxes.DevboxExecuteAsyncParams>>().toExtend<
    Request<typeof contract.executeAsyncBody>
  >();
  expectTypeOf<WithoutNulls<ClientDevboxes.DevboxReadFileContentsParams>>().toExtend<
    Request<typeof contract.readFileBody>
  >();
  expectTypeOf<WithoutNulls<ClientDevboxes.DevboxWriteFileContentsParams>>().toExtend<
    Request<typeof contract.writeFileBody>
  >();
});

it('would notice a difference', () => {
  expectTypeOf<Declared<ClientDevboxes.DevboxView>>().not.toBeAny();
  expectTypeOf<Answer<typeof contract.devboxView>>().not.toBeAny();
  // @ts-expect-error a number is no name
  expectTypeOf<{ id: string; name: number }>().toExtend<Declared<Pick<ClientSecrets.SecretView, 'id' | 'name'>>>();
  // @ts-expect-error a member is missing
  expectTypeOf<{ id: string }>().toExtend<Declared<ClientSecrets.SecretView>>();
});
