// The depth image as a picture, with skeletons drawn on it.

import type { DepthImage } from "./depth";
import type { Facts } from "./facts";
import type { Hand } from "./estimator";

export interface Range {
  near: number;
  far: number;
}

/** Depth worth contrast: the hands with 60 mm around them, else nearly all valid values. */
export function rangeOf(image: DepthImage, hands: Hand[]): Range {
  const joints = hands.flatMap((hand) => hand.joints_mm.map((joint) => joint[2]));
  if (joints.length) return { near: Math.min(...joints) - 60, far: Math.max(...joints) + 60 };
  const valid = image.depth.filter((value) => value > 0).sort();
  if (!valid.length) return { near: 0, far: 1 };
  const [near, far] = [0.01, 0.9].map((share) => valid[Math.floor(share * (valid.length - 1))]);
  return { near, far: Math.max(far, near + 1) };
}

/** 1 at the near end, 0.3 at the far end, fading behind it. */
export function brightness(depth: number, { near, far }: Range): number {
  const level = Math.min(Math.max((far - depth) / (far - near), 0), 1);
  const behind = Math.min(Math.max((depth - far) / (2 * (far - near)), 0), 1);
  return (0.3 + 0.65 * level) * (1 - 0.6 * Math.sqrt(behind));
}

export function drawDepth(canvas: HTMLCanvasElement, image: DepthImage, hands: Hand[], facts: Facts): void {
  const range = rangeOf(image, hands);
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d")!;
  const pixels = context.createImageData(image.width, image.height);
  for (const [index, depth] of image.depth.entries()) {
    const gray = depth > 0 ? 255 * brightness(depth, range) : 22;
    pixels.data.set([gray, gray, gray, 255], 4 * index);
  }
  context.putImageData(pixels, 0, 0);
  context.lineWidth = Math.max(2, image.width / 200);
  context.lineCap = "round";
  for (const hand of hands) drawSkeleton(context, hand, facts.skeleton);
}

function drawSkeleton(context: CanvasRenderingContext2D, { joints_px }: Hand, { bones, colors }: Facts["skeleton"]): void {
  for (const [bone, [start, end]] of bones.entries()) {
    context.strokeStyle = context.fillStyle = colors[bone];
    context.beginPath();
    context.moveTo(...joints_px[start]);
    context.lineTo(...joints_px[end]);
    context.stroke();
    context.beginPath();
    context.arc(...joints_px[end], 1.2 * context.lineWidth, 0, 2 * Math.PI);
    context.fill();
  }
}
