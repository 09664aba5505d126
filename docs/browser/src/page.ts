// Wires the elements of docs/try.md: images come in, hands are shown, nothing leaves the browser.

import { depthImage, InputError, readPng, type Camera, type Values } from "./depth";
import { Estimator, type Asked, type Prediction } from "./estimator";
import { beside, readFacts, type Facts, type Named } from "./facts";
import { Networks } from "./networks";
import { drawDepth } from "./pictures";
import { Scene } from "./scene";

const NUMBERS = ["fx", "fy", "cx", "cy", "unit_mm"] as const;
const OWN = "own numbers";

class Page {
  private shown: { name: string; image: Values } | null = null;
  /** Counts what was asked for: older work stops. */
  private turn = 0;

  private constructor(
    private readonly facts: Facts,
    private readonly estimator: Estimator,
    private readonly scene: Scene | null,
  ) {}

  static async open(): Promise<void> {
    say("Loading the networks (20 MB, once) ...");
    const facts = await readFacts();
    const page = new Page(facts, new Estimator(await Networks.load(), facts), sceneOrNull(facts));
    page.fill();
    page.listen();
    element("handkit-work").hidden = false;
    await page.play(0);
  }

  private fill(): void {
    const names = [...Object.keys(this.facts.cameras), OWN];
    element<HTMLSelectElement>("handkit-camera").replaceChildren(...names.map((name) => new Option(name)));
    const buttons = this.facts.samples.map(({ title }, index) => {
      const button = document.createElement("button");
      [button.type, button.textContent] = ["button", title];
      button.addEventListener("click", () => void this.play(index));
      return button;
    });
    element("handkit-samples").replaceChildren(...buttons);
  }

  private listen(): void {
    const choice = element<HTMLSelectElement>("handkit-camera");
    choice.addEventListener("change", () => {
      const camera = this.facts.cameras[choice.value];
      if (camera) setCamera(choice.value, camera);
      void this.again();
    });
    for (const name of NUMBERS) {
      field(name).addEventListener("change", () => {
        choice.value = OWN;
        void this.again();
      });
    }
    for (const name of ["hands", "handedness"]) field(name).addEventListener("change", () => void this.again());
    const drop = element("handkit-drop");
    drop.addEventListener("dragover", (event) => event.preventDefault());
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      void this.take([...(event.dataTransfer?.files ?? [])]);
    });
    const picker = element<HTMLInputElement>("handkit-file");
    picker.addEventListener("change", () => {
      const files = [...(picker.files ?? [])];
      picker.value = ""; // the same file can be chosen again
      void this.take(files);
    });
  }

  /** Files of the user, one after the other. */
  private async take(files: File[]): Promise<void> {
    this.scene?.reframe();
    await this.run(
      files.map((file) => ({ name: file.name, read: () => file.arrayBuffer() })),
      true,
    );
  }

  private async play(index: number): Promise<void> {
    const sample = this.facts.samples[index];
    setCamera(OWN, sample.camera);
    this.scene?.reframe();
    const read = async (name: string) => (await fetch(beside(name))).arrayBuffer();
    await this.run(sample.frames.map((name) => ({ name, read: () => read(name) })), false);
  }

  private async run(frames: { name: string; read: () => Promise<ArrayBuffer> }[], mine: boolean): Promise<void> {
    const turn = ++this.turn;
    for (const { name, read } of frames) {
      const next = await told(async () => ({ name, image: readPng(await read()) }));
      if (turn !== this.turn) return;
      if (!next) continue;
      this.shown = next;
      if (mine) this.chooseBySize(next.image);
      await this.estimate();
      await nextFrame();
    }
  }

  private async again(): Promise<void> {
    this.turn++;
    await this.estimate();
  }

  /** A named camera of the image's size, where the present one has another. */
  private chooseBySize({ width, height }: Values): void {
    const choice = element<HTMLSelectElement>("handkit-camera").value;
    const chosen = this.facts.cameras[choice];
    if (!chosen || (chosen.width === width && chosen.height === height)) return;
    const fits = Object.entries(this.facts.cameras).find(([, each]) => each.width === width && each.height === height);
    if (fits) setCamera(...fits);
  }

  private async estimate(): Promise<void> {
    if (!this.shown) return;
    const { name, image } = this.shown;
    const turn = this.turn;
    await told(async () => {
      this.checkSize(image);
      const depth = depthImage(image, cameraOf(), numberOf("unit_mm"), this.facts.depth);
      const begun = performance.now();
      const hands = Number(field("hands").value);
      const prediction = await this.estimator.predict(depth, hands, field("handedness").value as Asked);
      if (turn !== this.turn) return;
      say(`${name}: ${summary(prediction)} (${Math.round(performance.now() - begun)} ms)`);
      element("handkit-json").textContent = JSON.stringify({ source: name, ...prediction });
      drawDepth(element<HTMLCanvasElement>("handkit-image"), depth, prediction.hands, this.facts);
      this.scene?.show(depth, prediction.hands);
    });
  }

  private checkSize({ width, height }: Values): void {
    const name = element<HTMLSelectElement>("handkit-camera").value;
    const camera = this.facts.cameras[name];
    if (!camera || (camera.width === width && camera.height === height)) return;
    throw new InputError(
      `the depth image is ${width}x${height} but the camera ${name} is ${camera.width}x${camera.height}; ` +
        "choose the camera that took it, or type its numbers",
    );
  }
}

function summary({ hands, reason }: Prediction): string {
  if (reason) return `no hand: ${reason}`;
  return hands.map((hand) => `${hand.handedness} hand, confidence ${hand.confidence.toFixed(2)}`).join("; ");
}

/** Do it, or say what is wrong with the input. */
async function told<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    say(error.message);
    element("handkit-json").textContent = "";
    return null;
  }
}

function cameraOf(): Camera {
  const [fx, fy, cx, cy] = (["fx", "fy", "cx", "cy"] as const).map(numberOf);
  return { fx, fy, cx, cy };
}

function numberOf(name: (typeof NUMBERS)[number]): number {
  const value = Number(field(name).value);
  const positive = name !== "cx" && name !== "cy";
  if (field(name).value.trim() === "" || !Number.isFinite(value) || (positive && value <= 0)) {
    throw new InputError(`${name} is "${field(name).value}"; it must be a ${positive ? "positive " : ""}number`);
  }
  return value;
}

function setCamera(name: string, camera: Omit<Named, "source">): void {
  element<HTMLSelectElement>("handkit-camera").value = name;
  for (const each of NUMBERS) field(each).value = String(camera[each]);
}

function sceneOrNull(facts: Facts): Scene | null {
  const canvas = element<HTMLCanvasElement>("handkit-scene");
  try {
    return new Scene(canvas, facts.skeleton);
  } catch {
    canvas.replaceWith("This browser shows no 3D (WebGL).");
    return null;
  }
}

function say(text: string): void {
  element("handkit-said").textContent = text;
}

function field(name: string): HTMLInputElement | HTMLSelectElement {
  return element<HTMLInputElement | HTMLSelectElement>(`handkit-${name}`);
}

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

function nextFrame(): Promise<unknown> {
  return new Promise((resolve) => requestAnimationFrame(resolve));
}

Page.open().catch((error: unknown) => say(`This page cannot run here: ${String(error)}`));
