// Where hands could be: by the detector, else the nearest surfaces (handkit.locate).

import { distance, mean, type Camera, type DepthImage, type Vector } from "./depth";
import type { Facts } from "./facts";

export interface Found {
  center: Vector;
  score: number;
  left: number;
}

export interface Maps {
  heat: Float32Array;
  offset: Float32Array;
  depth: Float32Array;
  left: Float32Array;
  rows: number;
  columns: number;
}

/** The same view with the focal length that the detector reads: the nearest depth value of each pixel. */
export function canonical(image: DepthImage, facts: Facts["detector"]): DepthImage {
  const { width, height, camera } = image;
  const across = Math.max(1, roundHalfEven((width * facts.focal) / camera.fx));
  const down = Math.max(1, roundHalfEven((height * facts.focal) / camera.fy));
  const columns = Math.ceil(across / facts.multiple) * facts.multiple;
  const rows = Math.ceil(down / facts.multiple) * facts.multiple;
  const [start, top] = [Math.floor((columns - across) / 2), Math.floor((rows - down) / 2)];
  const depth = new Float32Array(rows * columns);
  for (let row = 0; row < down; row++) {
    const from = Math.min(Math.trunc((row + 0.5) * (height / down)), height - 1);
    for (let column = 0; column < across; column++) {
      const beside = Math.min(Math.trunc((column + 0.5) * (width / across)), width - 1);
      depth[(top + row) * columns + start + column] = image.depth[from * width + beside];
    }
  }
  const [u, v] = [across / width, down / height];
  const seen: Camera = {
    fx: camera.fx * u,
    fy: camera.fy * v,
    cx: (camera.cx + 0.5) * u - 0.5 + start,
    cy: (camera.cy + 0.5) * v - 0.5 + top,
  };
  return { depth, width: columns, height: rows, camera: seen };
}

/** Peaks of the heat map, the surest first. */
export function decodeMaps(maps: Maps, camera: Camera, limit: number, facts: Facts["detector"]): Found[] {
  const heat = maps.heat.map(probability);
  const peaks = [...heat.keys()].filter((cell) => heat[cell] >= facts.weak && isPeak(heat, maps, cell));
  peaks.sort((a, b) => heat[b] - heat[a]);
  const kept: Found[] = [];
  for (const cell of peaks) {
    const hand = handAt(maps, camera, cell, facts);
    if (!kept.some((other) => sameHand(hand, other, facts))) kept.push(hand);
    if (kept.length === limit) break;
  }
  return kept;
}

function isPeak(heat: Float32Array, { rows, columns }: Maps, cell: number): boolean {
  const [row, column] = [Math.floor(cell / columns), cell % columns];
  for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, rows - 1); y++) {
    for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, columns - 1); x++) {
      if (heat[y * columns + x] > heat[cell]) return false;
    }
  }
  return true;
}

function handAt(maps: Maps, camera: Camera, cell: number, { stride }: Facts["detector"]): Found {
  const z = maps.depth[cell];
  const u = ((cell % maps.columns) + maps.offset[cell] + 0.5) * stride - 0.5;
  const v = (Math.floor(cell / maps.columns) + maps.offset[maps.heat.length + cell] + 0.5) * stride - 0.5;
  const center: Vector = [((u - camera.cx) / camera.fx) * z, ((v - camera.cy) / camera.fy) * z, z];
  return { center, score: probability(maps.heat[cell]), left: probability(maps.left[cell]) };
}

/** Whether two places are one hand. */
export function sameHand(hand: Found, other: Found, facts: Facts["detector"]): boolean {
  const [low, high] = [Math.min(hand.left, other.left), Math.max(hand.left, other.left)];
  const sure = high > facts.sure && low < 1 - facts.sure;
  return distance(hand.center, other.center) < (sure ? facts.other : facts.apart);
}

/** Coarse centers around the nearest points of a `canonical` view. */
export function nearestSurfaces(view: DepthImage, facts: Facts["surfaces"]): Found[] {
  let points = settledPoints(view, facts);
  const all = points;
  const found: Found[] = [];
  while (points.length && found.length < facts.limit) {
    const nearest = points.reduce((best, point) => (point[2] < best[2] ? point : best));
    let center = nearest;
    for (let turn = 0; turn < 2; turn++) {
      const around = all.filter((point) => distance(point, center) < facts.reach);
      center = around.length ? mean(around) : center;
    }
    found.push({ center, score: 0, left: 0.5 });
    points = points.filter((point) => distance(point, nearest) > facts.apart);
  }
  return found;
}

/** Points within range, after a 3x3 median in which invalid pixels are far away. */
function settledPoints({ depth, width, height, camera }: DepthImage, { near, far }: Facts["surfaces"]): Vector[] {
  const points: Vector[] = [];
  const window = new Float32Array(9);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let place = 0; place < 9; place++) {
        const y = Math.min(Math.max(row + Math.floor(place / 3) - 1, 0), height - 1);
        const x = Math.min(Math.max(column + (place % 3) - 1, 0), width - 1);
        window[place] = depth[y * width + x] || 2 * far;
      }
      const z = window.sort()[4];
      if (z < near || z > far) continue;
      points.push([((column - camera.cx) / camera.fx) * z, ((row - camera.cy) / camera.fy) * z, z]);
    }
  }
  return points;
}

export function probability(logOdds: number): number {
  return 0.5 + 0.5 * Math.tanh(0.5 * logOdds);
}

/** Inverse of `probability`; finite. */
export function logOdds(probability: number): number {
  const kept = Math.min(Math.max(probability, 1e-6), 1 - 1e-6);
  return Math.log(kept / (1 - kept));
}

/** As Python rounds. */
function roundHalfEven(value: number): number {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}
