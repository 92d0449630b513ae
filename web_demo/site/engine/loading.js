/**
 * Loading of the network's files, and how much of them has come.
 *
 * @typedef {(url: URL) => Promise<Response>} Load fetches a file.
 */

const SIZES = 'sizes.json'; // path → bytes; the length that servers send is that of the compressed file

/**
 * Returns a function that fetches files and reports how much of all of them has come.
 *
 * @param {URL} folder that holds `sizes.json`, with the paths of the files
 * @param {string[]} paths of the files that will be fetched
 * @param {(percent: number) => void} report called with 0-100, once for each whole number that is reached.
 * @returns {Promise<Load>}
 */
export async function loadWithProgress(folder, paths, report) {
  const answer = await fetch(new URL(SIZES, folder));
  if (!answer.ok) return fetch; // a server that lacks the list
  const sizes = await answer.json();
  const all = paths.reduce((sum, path) => sum + sizes[path], 0);
  let loaded = 0;
  let reported = -1;
  const count = (/** @type {number} */ bytes) => {
    loaded += bytes;
    const percent = Math.min(100, Math.floor((100 * loaded) / all));
    if (percent > reported) report((reported = percent));
  };
  return async (url) => {
    const response = await fetch(url);
    const {status, statusText, headers, body} = response;
    if (!response.ok || !body) return response;
    const counter = new TransformStream({
      transform(chunk, controller) {
        count(chunk.length);
        controller.enqueue(chunk);
      },
    });
    return new Response(body.pipeThrough(counter), {status, statusText, headers});
  };
}
