/** Types of the part of LiteRT.js that the page uses. The server puts the files of LiteRT.js into this folder. */

type Values = Uint8Array | Float32Array;
type Details = {dtype: string; shape: Int32Array | number[]};

export class Tensor {
  constructor(values: Values, shape: number[]);
  data(): Promise<Values>;
  delete(): void;
}

export interface CompiledModel {
  getInputDetails(): Details[];
  getOutputDetails(): Details[];
  run(inputs: Tensor[]): Promise<Tensor[]>;
  delete(): void;
}

export function loadLiteRt(script: string): Promise<unknown>;
export function loadAndCompile(
  model: Uint8Array,
  options: {accelerator: 'wasm'; cpuOptions: {numThreads: number}},
): Promise<CompiledModel>;
