// Point cloud and skeletons in 3D. The camera's frame is x right, y down, z forward; that of three.js has y and z turned.

import * as three from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

import type { DepthImage, Vector } from "./depth";
import type { Facts } from "./facts";
import type { Hand } from "./estimator";
import { brightness, rangeOf, type Range } from "./pictures";

const MOST_POINTS = 60_000;
const [JOINT_MM, BONE_MM] = [4.5, 2.4];

export class Scene {
  private readonly renderer: three.WebGLRenderer;
  private readonly scene = new three.Scene();
  private readonly camera = new three.PerspectiveCamera(45, 1, 10, 20_000);
  private readonly controls: OrbitControls;
  private readonly shown = new three.Group();
  private framed = false;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly facts: Facts["skeleton"],
  ) {
    this.renderer = new three.WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    const light = new three.DirectionalLight(0xffffff, 2);
    light.position.set(-300, 500, 400);
    this.scene.add(this.shown, light, new three.AmbientLight(0xffffff, 1.4));
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Look from the camera's side again when the next image comes. */
  reframe(): void {
    this.framed = false;
  }

  show(image: DepthImage, hands: Hand[]): void {
    this.clear();
    const range = rangeOf(image, hands);
    const cloud = pointCloud(image, range);
    this.shown.add(cloud, ...hands.map((hand) => this.skeleton(hand)));
    this.follow(cloud, hands);
    this.draw();
  }

  private clear(): void {
    this.shown.traverse((part) => {
      if (!(part instanceof three.Mesh || part instanceof three.Points)) return;
      part.geometry.dispose();
      part.material.dispose();
    });
    this.shown.clear();
  }

  private skeleton({ joints_mm }: Hand): three.Group {
    const group = new three.Group();
    for (const [bone, [start, end]] of this.facts.bones.entries()) {
      const material = new three.MeshStandardMaterial({ color: this.facts.colors[bone], roughness: 0.6 });
      const [from, to] = [turned(joints_mm[start]), turned(joints_mm[end])];
      const stick = new three.Mesh(new three.CylinderGeometry(BONE_MM, BONE_MM, from.distanceTo(to), 10), material);
      stick.position.lerpVectors(from, to, 0.5);
      stick.quaternion.setFromUnitVectors(new three.Vector3(0, 1, 0), to.clone().sub(from).normalize());
      const ball = new three.Mesh(new three.SphereGeometry(JOINT_MM, 14, 10), material);
      ball.position.copy(to);
      group.add(stick, ball);
    }
    return group;
  }

  /** Keep what is looked at in the middle; from the camera's side at first, then from where the user turned it. */
  private follow(cloud: three.Points, hands: Hand[]): void {
    const box = new three.Box3();
    for (const hand of hands) for (const joint of hand.joints_mm) box.expandByPoint(turned(joint));
    if (box.isEmpty() && this.framed) return;
    if (box.isEmpty()) box.setFromObject(cloud);
    const { center, radius } = box.getBoundingSphere(new three.Sphere());
    const away = this.framed
      ? this.camera.position.clone().sub(this.controls.target)
      : new three.Vector3(0.55, 0.35, 1).setLength(3 * Math.min(radius, 500) + 1);
    this.controls.target.copy(center);
    this.camera.position.copy(center).add(away);
    this.controls.update();
    this.framed = true;
  }

  private draw(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.renderer.render(this.scene, this.camera);
  }
}

function pointCloud({ depth, width, height, camera }: DepthImage, range: Range): three.Points {
  const step = Math.ceil(Math.sqrt((width * height) / MOST_POINTS));
  const [places, colors]: [number[], number[]] = [[], []];
  for (let row = 0; row < height; row += step) {
    for (let column = 0; column < width; column += step) {
      const z = depth[row * width + column];
      if (z <= 0) continue;
      places.push(((column - camera.cx) / camera.fx) * z, (-(row - camera.cy) / camera.fy) * z, -z);
      const gray = brightness(z, range);
      colors.push(0.45 * gray, 0.6 * gray, 0.8 * gray);
    }
  }
  const geometry = new three.BufferGeometry();
  geometry.setAttribute("position", new three.Float32BufferAttribute(places, 3));
  geometry.setAttribute("color", new three.Float32BufferAttribute(colors, 3));
  const cloud = new three.Points(geometry, new three.PointsMaterial({ size: 1.5 * step, vertexColors: true }));
  // Joints lie within the hand: its surface must not hide them.
  cloud.renderOrder = -1;
  cloud.onAfterRender = (renderer) => renderer.clearDepth();
  return cloud;
}

function turned([x, y, z]: Vector): three.Vector3 {
  return new three.Vector3(x, -y, -z);
}
