/** A change of the whole cluster: the hosts that follow in it must all have begun before one may lead. */
export class CoordinatedChange {
  /** Somebody waits already, so that the change had better come. */
  underWay = false;
  readonly #followers: ReadonlyMap<string, { begun: Promise<boolean>; settle: (begun: boolean) => void }>;

  constructor(followers: readonly string[]) {
    this.#followers = new Map(
      followers.map((host) => {
        let settle = (_begun: boolean): void => undefined;
        const begun = new Promise<boolean>((resolve) => (settle = resolve));
        return [host, { begun, settle }];
      }),
    );
  }

  /** The host waits for what the others do. */
  begin(host: string): void {
    this.underWay = true;
    this.#followers.get(host)?.settle(true);
  }

  /** The host's step is over; if it never began to wait, the change must not be made. */
  end(host: string): void {
    this.#followers.get(host)?.settle(false);
  }

  /** Waits for all followers; gives one that ended without having begun, if there is any. */
  async missing(): Promise<string | undefined> {
    const all = await Promise.all([...this.#followers].map(async ([host, { begun }]) => ({ host, begun: await begun })));
    return all.find(({ begun }) => !begun)?.host;
  }
}
