/**
 * What Berth answers is what the official client declares, and what the client may send is what Berth reads. The compiler checks it
 * (`npm run typecheck`); at run time nothing is left to do.
 */
import type { AccountView as ClientAccountView } from '@runloop/api-client/resources/accounts';
import type * as ClientAgents from '@runloop/api-client/resources/agents';
import type { APIKeyCreatedView, ApikeyCreateParams } from '@runloop/api-client/resources/apikeys';
import type * as ClientBlueprints from '@runloop/api-client/resources/blueprints';
import type * as ClientDevboxes from '@runloop/api-client/resources/devboxes/devboxes';
import type {
  DevboxSnapshotAsyncStatusView,
  DiskSnapshotUpdateParams,
} from '@runloop/api-client/resources/devboxes/disk-snapshots';
import type * as ClientExecutions from '@runloop/api-client/resources/devboxes/executions';
import type { DevboxLogsListView } from '@runloop/api-client/resources/devboxes/logs';
import type * as ClientObjects from '@runloop/api-client/resources/objects';
import type * as ClientSecrets from '@runloop/api-client/resources/secrets';
import type * as ClientShared from '@runloop/api-client/resources/shared';
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

it('answers with objects and agents as the client declares them', () => {
  expectTypeOf<Answer<typeof contract.objectView>>().toExtend<Declared<ClientObjects.ObjectView>>();
  expectTypeOf<Answer<typeof contract.objectListView>>().toExtend<Declared<ClientObjects.ObjectListView>>();
  expectTypeOf<Answer<typeof contract.objectDownloadView>>().toExtend<Declared<ClientObjects.ObjectDownloadURLView>>();
  expectTypeOf<Answer<typeof contract.agentView>>().toExtend<Declared<ClientAgents.AgentView>>();
  expectTypeOf<Answer<typeof contract.agentListView>>().toExtend<Declared<ClientAgents.AgentListView>>();
  expectTypeOf<Answer<typeof contract.agentDevboxCounts>>().toExtend<Declared<ClientAgents.AgentDevboxCountsView>>();
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

/** Names of the members of every alternative. */
type Members<T> = T extends unknown ? keyof T : never;
/** One alternative of a request with several. */
type Kind<Union, Type> = Extract<Union, { type: Type }>;

it('knows each member that the client may send', () => {
  type Blueprint = Request<typeof contract.blueprintBuildParameters>;
  type ClientBlueprint = ClientBlueprints.BlueprintBuildParameters;
  expectTypeOf<keyof ClientBlueprint>().toExtend<keyof Blueprint>();
  expectTypeOf<keyof ClientBlueprints.BlueprintBuildParameters.Service>().toExtend<
    keyof Request<typeof contract.blueprintService>
  >();
  expectTypeOf<keyof ClientShared.CodeMountParameters>().toExtend<keyof Request<typeof contract.blueprintCodeMount>>();
  expectTypeOf<keyof ClientShared.CodeMountParameters>().toExtend<keyof Request<typeof contract.legacyCodeMount>>();
  expectTypeOf<keyof ClientObjects.ObjectCreateParams>().toExtend<keyof Request<typeof contract.objectCreate>>();
  expectTypeOf<keyof ClientObjects.ObjectListParams>().toExtend<keyof Request<typeof contract.objectListQuery>>();
  expectTypeOf<keyof ClientAgents.AgentCreateParams>().toExtend<keyof Request<typeof contract.agentCreate>>();
  expectTypeOf<keyof ClientAgents.AgentListParams>().toExtend<keyof Request<typeof contract.agentListQuery>>();
  expectTypeOf<keyof ClientDevboxes.DevboxSnapshotDiskParams>().toExtend<keyof Request<typeof contract.snapshotDisk>>();
  type Source = NonNullable<Request<typeof contract.agentSource>>;
  expectTypeOf<keyof ClientShared.AgentSource.Git>().toExtend<keyof NonNullable<Source['git']>>();
  expectTypeOf<keyof ClientShared.AgentSource.Npm>().toExtend<keyof NonNullable<Source['npm']>>();
  expectTypeOf<keyof ClientShared.AgentSource.Pip>().toExtend<keyof NonNullable<Source['pip']>>();
  expectTypeOf<keyof ClientShared.AgentSource.Object>().toExtend<keyof NonNullable<Source['object']>>();
});

it('knows each member of each mount that the client may send', () => {
  type Mount = Request<typeof contract.mount>;
  expectTypeOf<ClientShared.Mount['type']>().toExtend<Mount['type']>();
  expectTypeOf<Members<Kind<ClientShared.Mount, 'file_mount'>>>().toExtend<Members<Kind<Mount, 'file_mount'>>>();
  expectTypeOf<Members<Kind<ClientShared.Mount, 'object_mount'>>>().toExtend<Members<Kind<Mount, 'object_mount'>>>();
  expectTypeOf<Members<Kind<ClientShared.Mount, 'code_mount'>>>().toExtend<Members<Kind<Mount, 'code_mount'>>>();
  expectTypeOf<Members<Kind<ClientShared.Mount, 'agent_mount'>>>().toExtend<Members<Kind<Mount, 'agent_mount'>>>();
});

it('would notice a difference', () => {
  expectTypeOf<Declared<ClientDevboxes.DevboxView>>().not.toBeAny();
  expectTypeOf<Answer<typeof contract.devboxView>>().not.toBeAny();
  // @ts-expect-error a number is no name
  expectTypeOf<{ id: string; name: number }>().toExtend<Declared<Pick<ClientSecrets.SecretView, 'id' | 'name'>>>();
  // @ts-expect-error a member is unknown
  expectTypeOf<'target' | 'mode'>().toExtend<Members<Kind<Request<typeof contract.mount>, 'file_mount'>>>();
  // @ts-expect-error a member is missing
  expectTypeOf<{ id: string }>().toExtend<Declared<ClientSecrets.SecretView>>();
});
