"""Hands into Blender: an animated armature from the .glb file that handkit writes, saved as a .blend file.

    handkit live --source recording.mcap --send hands.glb
    blender --background --python examples/blender_hands.py -- hands.glb hands.blend

Meters; x is the camera's right, y its view, z up. All hands are in one armature, a bone for every joint, named as in
`hand_1_right_index_tip`: 1 is the hand's id.
"""

# pyright: basic, reportMissingImports=false

import sys
from pathlib import Path
from typing import Any

import bpy


def load(path: Path, *, fps: int = 30) -> list[Any]:
    """Armatures of a .glb file in an empty scene, whose frame range is that of their animation."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = fps
    bpy.ops.import_scene.gltf(filepath=str(path))
    armatures = [each for each in scene.objects if each.type == "ARMATURE"]
    ends = [each.animation_data.action.frame_range[1] for each in armatures if each.animation_data]
    scene.frame_start, scene.frame_end = 0, max(1, round(max(ends, default=1)))
    return armatures


def main(words: list[str]) -> None:
    """`hands.glb hands.blend`."""
    source, target = (Path(word).resolve() for word in words)
    bones = sum(len(armature.data.bones) for armature in load(source))
    bpy.ops.wm.save_as_mainfile(filepath=str(target))
    print(f"{bones} bones, {bpy.context.scene.frame_end + 1} frames: {target}")


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
