// From a depth image to hands (handkit.estimator, handkit.hypotheses, handkit.anatomy).

import { distance, mean, project, type DepthImage, type Vector } from "./depth";
import type { Facts } from "./facts";
import { canonical, decodeMaps, logOdds, nearestSurfaces, probability, sameHand, type Found } from "./locate";
import type { Cube, Estimate, Networks } from "./networks";

export type Asked = "auto" | "left" | "right";

export interface Hand {
  handedness: "left" | "right";
  confidence: number;
  handedness_probability: number;
  joints_mm: Vector[];
  joints_px: [number, number][];
  uncertainty_mm: number[];
}

export interface Prediction {
  hands: Hand[];
  reason: string | null;
}

/** The hypotheses: a right hand, a left one. */
const BOTH = [false, true];

interface Hypothesis extends Estimate {
  left: boolean;
}

interface Answer {
  hand: Hand;
  /** Probability that it is of the other side. */
  other: number;
}

interface Recentered {
  place: Found;
  /** Probability that it is a hand as it was asked for, and its joints good. */
  chance: number;
  /** The first look where it needs no repeating, else nothing. */
  look: Hypothesis[];
}

export class Estimator {
  constructor(
    private readonly networks: Networks,
    private readonly facts: Facts,
  ) {}

  async predict(image: DepthImage, hands: number, asked: Asked): Promise<Prediction> {
    const { extra, rotations, minimum_confidence: least, contradicted } = this.facts.estimator;
    const found = await this.locate(image, hands + extra);
    if (!found.length) return { hands: [], reason: this.nothingToSee() };
    const kept = await this.recenter(image, found, asked, hands);
    const places = kept.map(({ place }) => place);
    const sides = places.map((place) => this.undecided(place, asked));
    const looks = await this.look(image, places, sides, rotations, kept.map(({ look }) => look));
    const answers = this.distinct(looks.map((look, index) => this.answer(look, asked, image, places[index])));
    const sure = answers.filter(({ hand, other }) => hand.confidence >= least && other <= contradicted).slice(0, hands);
    if (sure.length) return { hands: sure.map(({ hand }) => hand), reason: null };
    return { hands: [], reason: reasonForNone(answers[0], least, contradicted) };
  }

  private async locate(image: DepthImage, limit: number): Promise<Found[]> {
    const { detector, surfaces } = this.facts;
    const view = canonical(image, detector);
    const found = decodeMaps(await this.networks.detect(view), view.camera, limit, detector);
    if (found.length && found[0].score >= detector.threshold) return found;
    const near = nearestSurfaces(view, surfaces);
    return [...found, ...near.filter((each) => !found.some((other) => sameHand(each, other, detector)))];
  }

  /** More than `limit` places are looked at unless so many hands are clearly what was asked for. */
  private async recenter(image: DepthImage, places: Found[], asked: Asked, limit: number): Promise<Recentered[]> {
    const looks: Hypothesis[][] = [];
    let kept: Recentered[] = [];
    for (const some of [places.slice(0, limit), places.slice(limit)]) {
      const clear = kept.filter(({ chance }) => chance >= this.facts.estimator.enough).length;
      if (clear >= limit || !some.length) continue;
      looks.push(...(await this.look(image, some, some.map(() => BOTH), 1, some.map(() => []))));
      kept = this.recentered(places, looks, asked);
    }
    const { enough, extra } = this.facts.estimator;
    return kept.slice(0, kept[0].chance >= enough ? limit : limit + extra);
  }

  /** Where the first looks saw hands, each hand once; the likeliest first. */
  private recentered(places: Found[], looks: Hypothesis[][], asked: Asked): Recentered[] {
    const chances = looks.map((look) => likely(look, asked));
    const kept: Recentered[] = [];
    for (const index of [...looks.keys()].sort((a, b) => chances[b] - chances[a])) {
      const look = looks[index];
      const center = mean(allowed(look, asked).flatMap((each) => each.joints));
      const { enough, still_mm: little } = this.facts.estimator;
      const still = chances[index] >= enough && distance(center, places[index].center) < little;
      const place = { center, score: places[index].score, left: probability(oddsOfLeft(look)) };
      const hopeless = Math.max(...look.map((each) => probability(each.good))) < this.facts.estimator.hopeless;
      const known = kept.some((other) => sameHand(place, other.place, this.facts.detector));
      if (!kept.length || !(hopeless || known)) kept.push({ place, chance: chances[index], look: still ? look : [] });
    }
    return kept;
  }

  /**
   * Hypotheses of each place, those of `sides` (left or not), each the mean of `rotations` views. `before`: looks at
   * nearly the same places without a rotation, or nothing; they are not repeated.
   */
  private async look(
    image: DepthImage, places: Found[], sides: boolean[][], rotations: number, before: Hypothesis[][],
  ): Promise<Hypothesis[][]> {
    const views: Estimate[][][] = sides.map((own, place) =>
      own.map((side) => before[place].filter(({ left }) => left === side)),
    );
    const wanted = views.flatMap((seen, place) => seen.flatMap((known, number) =>
      Array.from({ length: rotations - known.length }, (_, more) => ({ place, number, roll: known.length + more })),
    ));
    const cubes: Cube[] = wanted.map(({ place, number, roll }) => (
      { center: places[place].center, left: sides[place][number], roll: (roll * 2 * Math.PI) / rotations }
    ));
    const found = cubes.length ? await this.networks.estimate(image, cubes) : [];
    for (const [row, { place, number }] of wanted.entries()) views[place][number].push(found[row]);
    return views.map((seen, place) => seen.map((each, number) => ({ left: sides[place][number], ...meanEstimate(each) })));
  }

  /** Hypotheses worth a second look: a side that is clear is not doubted again, but where the other one was asked for. */
  private undecided({ left }: Found, asked: Asked): boolean[] {
    const likelier = left > 0.5;
    const clear = Math.max(left, 1 - left) >= this.facts.estimator.clear;
    return clear && (asked === "auto" || (asked === "left") === likelier) ? [likelier] : BOTH;
  }

  /** Of a place of which but one hypothesis was looked at, the handedness is what was known before. */
  private answer(look: Hypothesis[], asked: Asked, image: DepthImage, place: Found): Answer {
    const odds = look.length > 1 ? oddsOfLeft(look) : logOdds(place.left);
    const left = asked === "auto" ? odds > 0 : asked === "left";
    const chosen = look.find((each) => each.left === left)!;
    const stated = probability(left ? odds : -odds);
    const confidence = probability(chosen.good) * this.plausibility(chosen.joints) * this.visible(chosen.joints, image);
    const hand: Hand = {
      handedness: left ? "left" : "right",
      confidence: rounded(confidence * (asked === "auto" ? stated : Math.min(1, 2 * stated)), 4),
      handedness_probability: asked === "auto" ? rounded(stated, 4) : 1,
      joints_mm: chosen.joints,
      joints_px: chosen.joints.map((joint) => project(joint, image.camera)),
      uncertainty_mm: chosen.uncertainty,
    };
    return { hand, other: 1 - stated };
  }

  /** 1 for a skeleton that can be a hand's, falling toward 0 for others. */
  private plausibility(joints: Vector[]): number {
    const { bones, typical_mm: typical } = this.facts.skeleton;
    const { small, large, uneven } = this.facts.anatomy;
    const lengths = bones.map(([start, end]) => distance(joints[start], joints[end]));
    const size = sum(lengths) / sum(typical);
    const shares = lengths.map((length, bone) => Math.log(Math.max(length / typical[bone] / Math.max(size, 1e-6), 1e-3)));
    const unevenness = Math.sqrt(sum(shares.map((share) => share * share)) / shares.length);
    const fit = Math.min(1, size / small, large / Math.max(size, 1e-6), uneven / Math.max(unevenness, 1e-6));
    return fit ** 4;
  }

  /** Little where there is hardly any surface around the joints. */
  private visible(joints: Vector[], { depth, width, height, camera }: DepthImage): number {
    const { around, support } = this.facts.depth;
    const seen = joints.map((joint) => project(joint, camera));
    const depths = joints.map((joint) => joint[2]);
    const middle = sum(depths) / depths.length;
    const [near, far] = [Math.max(Math.min(...depths) - support, 0), Math.max(...depths) + support];
    const margin = [(camera.fx * around) / middle, (camera.fy * around) / middle];
    const size = [width, height];
    const edge = (axis: number, value: number) => Math.trunc(Math.min(Math.max(value, 0), size[axis]));
    const [low, high] = [0, 1].map((end) =>
      [0, 1].map((axis) => {
        const places = seen.map((pixel) => pixel[axis]);
        return edge(axis, end ? Math.max(...places) + margin[axis] : Math.min(...places) - margin[axis]);
      }),
    );
    let count = 0;
    for (let row = low[1]; row <= Math.min(high[1], height - 1); row++) {
      for (let column = low[0]; column <= Math.min(high[0], width - 1); column++) {
        const value = depth[row * width + column];
        count += value > near && value < far ? 1 : 0;
      }
    }
    const area = (count * middle ** 2) / (camera.fx * camera.fy) / 100;
    return Math.min(1, area / this.facts.estimator.least_cm2) ** 2;
  }

  private distinct(answers: Answer[]): Answer[] {
    const kept: { answer: Answer; found: Found }[] = [];
    const surest = ({ hand, other }: Answer) => hand.confidence * (hand.handedness_probability === 1 ? 1 - other : 1);
    for (const answer of answers.sort((a, b) => surest(b) - surest(a))) {
      const { handedness, handedness_probability: likely, confidence, joints_mm } = answer.hand;
      const left = handedness === "left" ? likely : 1 - likely;
      const found = { center: mean(joints_mm), score: confidence, left };
      if (!kept.some((each) => sameHand(found, each.found, this.facts.detector))) kept.push({ answer, found });
    }
    return kept.map(({ answer }) => answer);
  }

  private nothingToSee(): string {
    const { near, far } = this.facts.surfaces;
    return `nothing that could be a hand between ${near} and ${far} mm; is the unit right?`;
  }
}

function meanEstimate(views: Estimate[]): Estimate {
  const average = (read: (view: Estimate) => number) => sum(views.map(read)) / views.length;
  return {
    joints: views[0].joints.map((_, joint) => mean(views.map((view) => view.joints[joint]))),
    uncertainty: views[0].uncertainty.map((_, joint) => average((view) => view.uncertainty[joint])),
    good: average((view) => view.good),
    right: average((view) => view.right),
  };
}

function oddsOfLeft(look: Hypothesis[]): number {
  return sum(look.map((each) => (each.left ? each.right : -each.right)));
}

/** Probability that a place shows a hand as it was asked for, and that its joints are good. */
function likely(look: Hypothesis[], asked: Asked): number {
  const odds = oddsOfLeft(look);
  const side = asked === "auto" ? 1 : probability(asked === "left" ? odds : -odds);
  return side * Math.max(...allowed(look, asked).map((each) => probability(each.good)));
}

function allowed(look: Hypothesis[], asked: Asked): Hypothesis[] {
  return look.filter((each) => asked === "auto" || each.left === (asked === "left"));
}

function reasonForNone({ hand, other }: Answer, least: number, contradicted: number): string {
  if (other > contradicted) {
    const seen = hand.handedness === "left" ? "right" : "left";
    return `the hand in view is a ${seen} one (probability ${other.toFixed(2)}), not a ${hand.handedness} one`;
  }
  return (
    `no hand is sure enough (the likeliest has confidence ${hand.confidence.toFixed(2)} ` +
    `of ${least.toFixed(2)} needed)`
  );
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
