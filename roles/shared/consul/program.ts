import { consulSettings, type View } from '../../../src/index.js';
import { consulClient } from './servers.js';

/** How root on a host starts the program consul, with what it finds its agent with. */
export function consulOn(view: View, host: string): string {
  const platform = view.platform(host);
  return platform === undefined ? 'consul' : `${consulSettings(consulClient(platform, 'management'))} consul`;
}
