// The gate: from a PNG to a depth image in millimeters (handkit.depth, handkit.cleaning.drop_far_constant).

import { decode } from "fast-png";

import type { Facts } from "./facts";

export interface Camera {
  fx: number;
  fy: number;
  cx: number;
  cy: number;
}

export interface DepthImage {
  /** mm, 0 where invalid; row by row. */
  depth: Float32Array;
  width: number;
  height: number;
  camera: Camera;
}

export type Vector = [number, number, number];

/** What is wrong with the user's image or numbers, in one sentence. */
export class InputError extends Error {}

export interface Values {
  values: Uint16Array;
  width: number;
  height: number;
}

export function readPng(content: ArrayBuffer): Values {
  let image;
  try {
    image = decode(content);
  } catch {
    throw new InputError("this file is no whole PNG; a depth image is a PNG with 16 bits of gray");
  }
  if (image.channels !== 1 || !(image.data instanceof Uint16Array)) {
    throw new InputError(
      `depth needs 16 bits of gray; this PNG has ${image.channels} channel(s) of ${image.depth} bits`,
    );
  }
  return { values: image.data, width: image.width, height: image.height };
}

/** Check the unit, and drop a far constant that stands for invalid. */
export function depthImage(image: Values, camera: Camera, unit: number, facts: Facts["depth"]): DepthImage {
  const scale = Math.fround(unit);
  const depth = dropFarConstant(Float32Array.from(image.values, (value) => value * scale), image, facts);
  const some = everyNth(depth, image, 16).filter((value) => value > 0);
  const middle = some.length ? median(some) : facts.meters;
  if (middle < facts.meters || middle > facts.farthest) {
    const stored = middle / unit;
    const [name, mends] = facts.units.find(([, , least]) => stored >= least)!;
    throw new InputError(
      `the median depth is ${Number(middle.toPrecision(4))} mm with ${unit} mm a unit: these look like ${name}; ` +
        `a unit of ${mends} mm would fit`,
    );
  }
  return { depth, width: image.width, height: image.height, camera };
}

function dropFarConstant(depth: Float32Array, size: Values, facts: Facts["depth"]): Float32Array {
  const some = everyNth(depth, size, 7);
  const constant = some.reduce((largest, value) => Math.max(largest, value), 0);
  const equal = some.filter((value) => value === constant).length;
  if (constant < facts.far_mm || equal / some.length < facts.far_share) return depth;
  // Where the image was resized, the constant is mixed with what is beside it; in a grid it is beside everything.
  const beside = everyNth(besideConstant(depth, size, constant), size, 7);
  const below = some.filter((value) => value > 0 && value < constant).sort();
  const apart = some.filter((value, index) => value > 0 && !beside[index]).sort();
  const rest = apart.length > below.length / 4 ? apart : below;
  if (!rest.length || constant < facts.far_ratio * percentile(rest, 0.99)) return depth;
  const limit = constant > 3 * facts.far_ratio * percentile(rest, 0.5) ? constant / 2 : constant;
  return depth.map((value) => (value < limit ? value : 0));
}

/** 1 within two rows and columns of a pixel of this value, else 0. */
function besideConstant(depth: Float32Array, { width, height }: Values, constant: number): Float32Array {
  const beside = new Float32Array(depth.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (depth[row * width + column] !== constant) continue;
      for (let other = Math.max(0, row - 2); other <= Math.min(height - 1, row + 2); other++) {
        beside.fill(1, other * width + Math.max(0, column - 2), other * width + Math.min(width, column + 3));
      }
    }
  }
  return beside;
}

function everyNth(depth: Float32Array, { width, height }: Values, step: number): Float32Array {
  const kept: number[] = [];
  for (let row = 0; row < height; row += step) {
    for (let column = 0; column < width; column += step) kept.push(depth[row * width + column]);
  }
  return Float32Array.from(kept);
}

export function median(values: Float32Array): number {
  return percentile(values.slice().sort(), 0.5);
}

/** Of sorted values, between neighbors in proportion. */
function percentile(sorted: Float32Array, share: number): number {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

export function project([x, y, z]: Vector, camera: Camera): [number, number] {
  return [(x / z) * camera.fx + camera.cx, (y / z) * camera.fy + camera.cy];
}

export function distance(a: Vector, b: Vector): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

export function mean(points: Vector[]): Vector {
  const sum: Vector = [0, 0, 0];
  for (const point of points) for (let axis = 0; axis < 3; axis++) sum[axis] += point[axis] / points.length;
  return sum;
}
