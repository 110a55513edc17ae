import { type RawBuilder, sql } from 'kysely';
import { notificationChannel } from '../database/notifications.ts';

/** Topic that is announced with every change of one box. */
export const devboxTopic = (id: string): string => `devbox:${id}`;

/** Whether a topic is that of one box. */
export const isDevboxTopic = (topic: string): boolean => topic.startsWith(devboxTopic(''));

/** Topic that is announced when a box needs the reconciler. */
export const unsettledTopic = 'devboxes:unsettled';

/** Announces a topic when the surrounding statement commits. */
export const announce = (topic: string): RawBuilder<unknown> => sql`pg_notify(${notificationChannel}, ${topic})`;
