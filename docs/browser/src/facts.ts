// What the page knows of handkit: written by docs/browser/facts.py from the package, so no number stands here twice.

export interface Named {
  fx: number;
  fy: number;
  cx: number;
  cy: number;
  width: number;
  height: number;
  unit_mm: number;
  source: string;
}

export interface Sample {
  title: string;
  frames: string[];
  camera: Omit<Named, "source">;
}

export interface Facts {
  version: string;
  cameras: Record<string, Named>;
  samples: Sample[];
  skeleton: { joints: string[]; bones: [number, number][]; typical_mm: number[]; colors: string[] };
  anatomy: { small: number; large: number; uneven: number };
  depth: { meters: number; units: [string, number, number][]; farthest: number; far_share: number; far_mm: number; far_ratio: number; around: number; support: number };
  detector: {
    focal: number;
    stride: number;
    multiple: number;
    threshold: number;
    weak: number;
    apart: number;
    other: number;
    sure: number;
  };
  surfaces: { near: number; far: number; reach: number; apart: number; limit: number };
  estimator: {
    rotations: number;
    minimum_confidence: number;
    extra: number;
    enough: number;
    hopeless: number;
    still_mm: number;
    clear: number;
    contradicted: number;
    least_cm2: number;
  };
}

export async function readFacts(): Promise<Facts> {
  const answer = await fetch(beside("facts.json"));
  return (await answer.json()) as Facts;
}

/** Address of a file that lies beside this script. */
export function beside(name: string): string {
  return new URL(name, import.meta.url).href;
}
