/** An answer as it is remembered. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}
