import { kill } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, controlGroupOf } from '../platform/kernel.ts';
import { firstProcessIn, placeOf } from '../platform/places.ts';
import type { Platform } from '../platform/platform.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';

/** Who can be killed; the likelier ones are named more often. */
const victims = ['server', 'server', 'host', 'host', 'host', 'helper', 'helper', 'postgres', 'guest'] as const;
type Victim = (typeof victims)[number];

/** Kills processes of the platform at random points and starts again what does not come back by itself. */
export class Killer {
  readonly counts: Record<Victim, number> = { server: 0, host: 0, helper: 0, postgres: 0, guest: 0 };
  readonly #platform: Platform;
  readonly #ledger: Ledger;
  readonly #random: Random;

  constructor(platform: Platform, ledger: Ledger, random: Random) {
    this.#platform = platform;
    this.#ledger = ledger;
    this.#random = random;
  }

  async killOnce(): Promise<void> {
    await sleep(this.#random.between(10, 700));
    const victim = this.#random.pick(victims);
    if (await this.#kill(victim)) {
      this.counts[victim] += 1;
    }
  }

  async #kill(victim: Victim): Promise<boolean> {
    switch (victim) {
      case 'helper':
        return this.#killHelper();
      case 'guest':
        return this.#killGuest();
      default:
        return this.#killProcess(victim);
    }
  }

  async #killProcess(victim: 'server' | 'host' | 'postgres'): Promise<boolean> {
    await this.#platform.kill(victim);
    await sleep(this.#random.between(0, 300));
    // Sometimes it dies again while it is still starting.
    if (victim !== 'postgres' && this.#random.next() < 0.25) {
      const starting = this.#platform.restart(victim).catch(() => undefined);
      await sleep(this.#random.between(20, 400));
      await this.#platform.kill(victim);
      this.counts[victim] += 1;
      await starting;
    }
    await this.#platform.restart(victim);
    return true;
  }

  async #killHelper(): Promise<boolean> {
    const helper = childrenOf(this.#platform.process('host').pid).find((child) => child.command.includes('helper'));
    if (helper === undefined) {
      return false;
    }
    kill(helper.pid, 'SIGKILL');
    return true;
  }

  async #killGuest(): Promise<boolean> {
    const [box] = this.#ledger.living().filter((one) => !one.guestKilled && one.commands.length > 1);
    const place = box === undefined ? undefined : placeOf(this.#platform, box.id);
    const init = place === undefined ? undefined : firstProcessIn(this.#platform, place);
    if (box === undefined || init === undefined || !controlGroupOf(init).includes(`/${place}`)) {
      return false;
    }
    box.guestKilled = true;
    kill(init, 'SIGKILL');
    return true;
  }
}
