// The two graphs of the package, run by ONNX Runtime's WebAssembly.

import * as ort from "onnxruntime-web/wasm";

import type { DepthImage, Vector } from "./depth";
import { beside } from "./facts";
import type { Maps } from "./locate";

export interface Cube {
  center: Vector;
  left: boolean;
  roll: number;
}

export interface Estimate {
  joints: Vector[];
  uncertainty: number[];
  /** Log odds that the joints are good. */
  good: number;
  /** The larger one of two hypotheses is the likelier. */
  right: number;
}

export class Networks {
  private constructor(
    private readonly detector: ort.InferenceSession,
    private readonly hand: ort.InferenceSession,
  ) {}

  static async load(): Promise<Networks> {
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = { wasm: beside("onnxruntime.wasm") };
    const load = (name: string) => ort.InferenceSession.create(beside(name), { executionProviders: ["wasm"] });
    return new Networks(await load("detector.onnx"), await load("latent-fusion.onnx"));
  }

  async detect({ depth, width, height }: DepthImage): Promise<Maps> {
    const answer = await this.detector.run({ image: new ort.Tensor("float32", depth, [height, width]) });
    const [rows, columns] = answer.heat.dims;
    const [heat, offset, range, left] = ["heat", "offset", "depth", "left"].map((name) => numbers(answer[name]));
    return { heat, offset, depth: range, left, rows, columns };
  }

  async estimate({ depth, width, height, camera }: DepthImage, cubes: Cube[]): Promise<Estimate[]> {
    const answer = await this.hand.run({
      depth: new ort.Tensor("float32", depth, [height, width]),
      intrinsics: floats([camera.fx, camera.fy, camera.cx, camera.cy], [4]),
      center: floats(cubes.flatMap((cube) => cube.center), [cubes.length, 3]),
      mirrored: new ort.Tensor("bool", cubes.map((cube) => cube.left), [cubes.length]),
      roll: floats(cubes.map((cube) => cube.roll), [cubes.length]),
    });
    const count = answer.joints_mm.dims[1];
    const [joints, uncertainty] = [numbers(answer.joints_mm), numbers(answer.uncertainty_mm)];
    const [good, right] = [numbers(answer.good), numbers(answer.right)];
    return cubes.map((_, row) => ({
      joints: Array.from({ length: count }, (_, joint) => vectorAt(joints, row * count + joint)),
      uncertainty: Array.from(uncertainty.subarray(row * count, (row + 1) * count)),
      good: good[row],
      right: right[row],
    }));
  }
}

function floats(values: number[], shape: number[]): ort.Tensor {
  return new ort.Tensor("float32", Float32Array.from(values), shape);
}

function numbers(tensor: ort.Tensor): Float32Array {
  return tensor.data as Float32Array;
}

function vectorAt(values: Float32Array, index: number): Vector {
  return [values[3 * index], values[3 * index + 1], values[3 * index + 2]];
}
