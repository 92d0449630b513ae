/** The package in browsers: the network runs in a worker. */

import {RemoteMatter, checkModel} from './matter-api.js';
import {chooseBuild, chooseThreads, missingFeatures} from './page/support.js';
import {WorkerClient} from './page/worker-client.js';

/** @param {{base?: string | URL, model?: Uint8Array, threads?: number}} [options] */
export async function createMatter({base = new URL('./', import.meta.url), model, threads} = {}) {
  checkModel(model);
  const missing = missingFeatures();
  if (missing.length > 0) throw new Error(`this browser lacks ${missing.join(', ')}`);
  const folder = new URL(base, self.location.href);
  if (!folder.pathname.endsWith('/')) folder.pathname += '/';
  const client = new WorkerClient(new Worker(new URL('worker.js', folder)));
  const build = chooseBuild();
  try {
    const count = build === 'threaded' ? Math.min(4, Math.max(1, threads ?? chooseThreads())) : 1;
    const {size} = await client.request('start', {base: folder.href, build, threads: count, model});
    return new RemoteMatter(client.request.bind(client), size, () => client.close());
  } catch (error) {
    client.close();
    throw error;
  }
}
