"""Run models with LiteRT.js on WebGPU in Chromium, and compare their alphas and times with those on WebAssembly.

    python tools/speed/web_gpu.py MODEL.tflite ... [--photos DIR] [--limit 8] [--runs 5] [--jspi] [--adapter default]

It needs playwright and Chromium; `--jspi` downloads LiteRT's build for partly accelerated models with npm. Without
`--adapter default` it takes SwiftShader, which computes on the CPU: then the alphas count, and the times say nothing
about a GPU. The run of the network that is timed begins with the pixels and ends with the alpha, both in memory of the
CPU.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from mmnet.runtime import read_photo, to_model_input
from mmnet.runtime.imaging.photos import PHOTO_EXTENSIONS
from mmnet.runtime.model import default_model
from mmnet.web.content import Asset, build
from mmnet.web.server import WebServer

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "web_demo" / "site" / "samples" / "astronaut.webp"
PACKAGE = "@litertjs/core@2.5.3"  # the version in web_demo/litert
SWIFTSHADER = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
RUN = """async ([model, build, accelerator, inputs, runs]) => {
  const {loadLiteRt, loadAndCompile, Environment, Tensor} = await import('./litert/index.js');
  const folder = new URL('./litert/', location.href);
  const script = new URL(`${build}.js`, folder).href;
  self.Module = {mainScriptUrlOrBlob: script, locateFile: (name) => new URL(name, folder).href, printErr() {}};
  await loadLiteRt(script);
  const found = {times: [], alphas: [], dispatches: 0};
  let environment = await Environment.create({webGpuDevice: null});
  if (accelerator === 'webgpu') {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) return {...found, error: 'the browser has no WebGPU adapter'};
    found.adapter = `${adapter.info.vendor} ${adapter.info.architecture}`;
    const {maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage} = adapter.limits;
    environment = await Environment.create({
      webGpuDevice: await adapter.requestDevice({
        requiredLimits: {maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage},
      }),
    });
    const dispatch = GPUComputePassEncoder.prototype.dispatchWorkgroups;
    GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...counts) {
      found.dispatches++;
      return dispatch.apply(this, counts);
    };
  }
  try {
    const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer());
    const options = {accelerator, environment, cpuOptions: {numThreads: 2}, gpuOptions: {precision: 'fp32'}};
    const compiled = await loadAndCompile(bytes, options);
    found.fully = compiled.isFullyAccelerated;
    const {dtype, shape} = compiled.getInputDetails()[0];
    for (const input of inputs) {
      const pixels = Uint8Array.from(atob(input), (letter) => letter.charCodeAt(0));
      const values = dtype === 'uint8' ? pixels : Float32Array.from(pixels, (byte) => byte / 255);
      let alpha;
      for (let run = 0; run < runs; run++) {
        found.dispatches = 0;
        const began = performance.now();
        const tensor = new Tensor(values, [...shape], environment);
        const [output] = await compiled.run([tensor]);
        alpha = await output.data();
        if (run > 0) found.times.push(performance.now() - began);
        tensor.delete();
        output.delete();
      }
      const toByte = (value) => (dtype === 'uint8' ? value : Math.round(255 * Math.min(1, Math.max(0, value))));
      found.alphas.push(btoa([...alpha].map((value) => String.fromCharCode(toByte(value))).join('')));
    }
  } catch (error) {
    found.error = String(error);
  }
  return found;
}"""


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+", help=".tflite files of one input size")
    parser.add_argument("--photos", type=Path, help="a folder of photos, instead of the page's sample photo")
    parser.add_argument("--limit", type=int, default=8, help="take at most so many photos")
    parser.add_argument("--runs", type=int, default=5, help="runs per photo; the first does not count")
    parser.add_argument("--jspi", action="store_true", help="try LiteRT's build for partly accelerated models, too")
    parser.add_argument("--adapter", choices=["swiftshader", "default"], default="swiftshader")
    args = parser.parse_args()
    inputs = model_inputs(args.photos, args.limit)
    assets = dict(build(default_model()))
    for index, path in enumerate(args.models):
        assets[f"{index}.tflite"] = Asset(path.read_bytes(), "application/octet-stream")
    builds = ["threaded"]
    if args.jspi:
        assets |= jspi_build()
        builds.append("jspi")
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        sys.exit("error: no Chromium; install Debian's package chromium")
    arguments = ["--no-sandbox", *(SWIFTSHADER if args.adapter == "swiftshader" else ["--enable-unsafe-webgpu"])]
    with WebServer(assets, port=0).running() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        for index, path in enumerate(args.models):
            reference: list[np.ndarray] = []
            for name, accelerator in [("threaded", "wasm"), *((name, "webgpu") for name in builds)]:
                page = browser.new_page()
                page.set_default_timeout(600_000)
                page.goto(f"{server.url}samples/astronaut.webp")
                answer = run(page, f"{server.url}{index}.tflite", name, accelerator, inputs, args.runs)
                page.close()
                alphas = [np.frombuffer(base64.b64decode(alpha), np.uint8) for alpha in answer["alphas"]]
                reference = reference or alphas
                print(f"{path.name}, {accelerator}, build {name}: {describe(answer, alphas, reference)}", flush=True)
        browser.close()
        server.shutdown()


def run(page: Page, model: str, name: str, accelerator: str, inputs: Sequence[np.ndarray], runs: int) -> dict[str, Any]:
    """Run a model in a page on each input; return its alphas, its times in ms, and what LiteRT.js says of it."""
    encoded = [base64.b64encode(pixels.tobytes()).decode() for pixels in inputs]
    script = RUN.replace("'./litert/", "'../litert/")
    answer: dict[str, Any] = page.evaluate(script, [model, name, accelerator, encoded, runs])
    return answer


def describe(answer: dict[str, Any], alphas: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> str:
    """Return one line about a run: what it ran on, its time, and how its alphas differ from those of the reference."""
    if "error" in answer:
        return f"failed: {answer['error']}"
    median = float(np.median(answer["times"]))
    text = f"fully accelerated: {answer['fully']}, median {median:.0f} ms"
    if "adapter" not in answer:
        return text
    difference = np.abs(np.stack(alphas).astype(int) - np.stack(reference))
    differing = 100 * (difference > 0).mean()
    return (
        f"{text} on {answer['adapter']}, {answer['dispatches']} GPU kernels per run; {differing:.2f} % of the "
        f"alpha bytes differ from WebAssembly's, by at most {difference.max()}, {difference.mean():.3f} on average"
    )


def model_inputs(folder: Path | None, limit: int) -> list[np.ndarray]:
    """Return the inputs of a model for photos: uint8 [256, 256, 3] each."""
    paths = [SAMPLE] if folder is None else sorted(p for p in folder.iterdir() if p.suffix.lower() in PHOTO_EXTENSIONS)
    if not paths:
        sys.exit(f"error: {folder}: no photos")
    spread = paths[:: max(1, len(paths) // limit)][:limit]
    return [to_model_input(read_photo(path), 256) for path in spread]


def jspi_build() -> dict[str, Asset]:
    """Download LiteRT's build that waits for the GPU in the middle of a model (JavaScript Promise Integration)."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(folder).glob("*.tgz")
        files = {}
        with tarfile.open(archive) as packed:
            for ending in ("js", "wasm"):
                content = packed.extractfile(f"package/wasm/litert_wasm_jspi_internal.{ending}")
                assert content is not None
                files[ending] = content.read()
    return {
        "litert/jspi.js": Asset(files["js"], "text/javascript; charset=utf-8"),
        "litert/litert_wasm_jspi_internal.wasm": Asset(files["wasm"], "application/wasm"),
    }


if __name__ == "__main__":
    main()
