/** Use of the page without a network: the service worker, and its newer versions. */

/**
 * Installs the service worker. If it is installed already, looks for a newer version of the page in the background.
 *
 * @param {string} build of LiteRT.js, which is kept for use without a network
 * @param {() => void} onNewer called when a newer version of the page is loaded and waits until `useNewer` is called.
 * @returns {Promise<boolean>} whether the page now works without a network
 */
export async function installServiceWorker(build, onNewer) {
  try {
    const worker = `service-worker.js?build=${build}`;
    const registration = await navigator.serviceWorker.register(worker, {updateViaCache: 'none'});
    await navigator.serviceWorker.ready;
    const offer = () => {
      if (registration.waiting) onNewer();
    };
    const watch = () => registration.installing?.addEventListener('statechange', offer);
    registration.addEventListener('updatefound', watch);
    watch();
    offer();
    registration.update().catch(() => {}); // there may be no network, or one that stalls: nothing waits for it
    return true;
  } catch {
    return false; // no secure origin, private browsing or a full disk; the page works all the same while it is online
  }
}

/** Loads the page again, in its newer version. Other tabs keep what they show. */
export async function useNewer() {
  const registration = await navigator.serviceWorker.getRegistration();
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), {once: true});
  registration?.waiting?.postMessage('use');
}
