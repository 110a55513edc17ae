import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What the server counts, in the Prometheus text format. Each server has its own registry, so that tests can run several. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<'route' | 'method' | 'status'>;
  readonly #seconds: Histogram<'route' | 'method'>;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    this.#requests = new Counter({
      name: 'berth_http_requests_total',
      help: 'Requests answered, by route of the contract',
      labelNames: ['route', 'method', 'status'],
      registers: [this.registry],
    });
    this.#seconds = new Histogram({
      name: 'berth_http_request_seconds',
      help: 'Time from the head of a request to the end of its answer',
      labelNames: ['route', 'method'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
      registers: [this.registry],
    });
  }

  /** Counts one request. `route` is the path template: never a raw path, which would make a series of every id. */
  request(route: string, method: string, status: number, seconds: number): void {
    this.#requests.inc({ route, method, status });
    this.#seconds.observe({ route, method }, seconds);
  }

  /** Adds a gauge that is read when the metrics are asked for. What `read` throws leaves the gauge as it was. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      async collect() {
        try {
          this.set(await read());
        } catch {
          // The part that would know is away; the other metrics are wanted all the more.
        }
      },
    });
  }

  /** Adds a gauge with one label, read as a map from label value to figure. Values no longer present disappear. */
  gaugeBy<Label extends string>(
    name: string,
    help: string,
    label: Label,
    read: () => ReadonlyMap<string, number> | Promise<ReadonlyMap<string, number>>,
  ): void {
    new Gauge<Label>({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      async collect() {
        try {
          const figures = await read();
          this.reset();
          for (const [value, figure] of figures) {
            this.set({ [label]: value } as Record<Label, string>, figure);
          }
        } catch {
          // As above.
        }
      },
    });
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}
