"""The renderer: OpenGL through moderngl, without a screen and without a GPU (Mesa's llvmpipe)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import moderngl
import numpy as np

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.errors import MMNetError

from .makehuman import Mesh, read_texture
from .outfits import Surface
from .studio import LIGHTS, Lighting, View, look_at, middle_and_radius

SHADOW_SIDE = 640  # of a map of shadows, pixels
SAMPLES = 3  # per pixel along each axis
PATTERN_UNIT = 1  # of textures; the albedo's is 0
SHADOW_UNIT = 2
PLAIN = np.full((2, 2, 4), 255, np.uint8)

VERTEX = """
#version 330
in vec3 position; in vec3 normal; in vec2 uv;
uniform mat4 camera;
out vec3 place; out vec3 facing; out vec2 at;
void main() { place = position; facing = normal; at = uv; gl_Position = camera * vec4(position, 1); }
"""
# Textures with holes (hair, lace) are drawn where they exceed a threshold that differs from sample to sample, so that
# the mean over a pixel's samples is their alpha.
SHADED = """
#version 330
in vec3 place; in vec3 facing; in vec2 at;
out vec4 color;
uniform sampler2D albedo; uniform float holes;
uniform sampler2D pattern; uniform float pattern_share; uniform float pattern_scale;
uniform vec3 tint; uniform float tint_share; uniform float gain; uniform float gloss;
uniform sampler2DShadow shadow0, shadow1, shadow2, shadow3;
uniform mat4 light[4]; uniform vec3 direction[4]; uniform vec3 power[4];
uniform vec3 eye; uniform vec3 ambient;
float noise(vec2 c) { return fract(52.9829189 * fract(dot(c, vec2(0.06711056, 0.00583715)))); }
float lit(sampler2DShadow map, int i, vec3 p) {
    vec3 c = (light[i] * vec4(p, 1)).xyz * 0.5 + 0.5;
    float sum = 0.0;
    for (int y = -1; y <= 1; y += 2) for (int x = -1; x <= 1; x += 2)
        sum += texture(map, vec3(c.xy + vec2(x, y) * 0.0011, c.z - 0.004));
    return sum * 0.25;
}
void main() {
    vec4 texel = texture(albedo, at);
    if (texel.a < (holes > 0.0 ? 0.1 + 0.8 * noise(gl_FragCoord.xy) : 0.5)) discard;
    vec3 base = pow(texel.rgb, vec3(2.2));
    float y = dot(base, vec3(0.2126, 0.7152, 0.0722));
    base = mix(base, tint * (0.15 + 1.3 * y), tint_share);
    vec3 printed = pow(texture(pattern, at * pattern_scale).rgb, vec3(2.2));
    base = mix(base, printed * (0.4 + 1.2 * sqrt(y)), pattern_share) * gain;
    vec3 view = normalize(eye - place);
    vec3 n = normalize(facing); if (dot(n, view) < 0.0) n = -n;
    vec3 p = place + n * 0.06;
    float s[4];
    s[0] = lit(shadow0, 0, p); s[1] = lit(shadow1, 1, p); s[2] = lit(shadow2, 2, p); s[3] = lit(shadow3, 3, p);
    vec3 sum = ambient * base;
    for (int i = 0; i < 4; i++) {
        float d = max(dot(n, direction[i]), 0.0) * s[i];
        sum += power[i] * d * (base + gloss * pow(max(dot(n, normalize(direction[i] + view)), 0.0), 28.0));
    }
    color = vec4(sum, 1);
}
"""
DEPTH = """
#version 330
in vec2 at; uniform sampler2D albedo;
void main() { if (texture(albedo, at).a < 0.5) discard; }
"""


@dataclass
class Part:
    """A part of a person, to render.

    Attributes:
        mesh: its triangles.
        vertices: float32 [V, 3], where they are.
        texture: file of its colours; None for white.
        surface: how they are changed.
        holes: whether its texture has an alpha that counts.
    """

    mesh: Mesh
    vertices: F32Array
    texture: Path | None
    surface: Surface = field(default_factory=Surface)
    holes: bool = False

    def corners(self) -> F32Array:
        """Return positions, normals and texture coordinates of the corners: float32 [3 N, 8]."""
        a, b, c = (self.vertices[self.mesh.triangles[:, corner]] for corner in range(3))
        normals = np.zeros_like(self.vertices)
        for corner in range(3):
            np.add.at(normals, self.mesh.triangles[:, corner], np.cross(b - a, c - a))
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        flat = self.mesh.triangles.reshape(-1)
        return np.asarray(np.hstack([self.vertices[flat], normals[flat], self.mesh.uv.reshape(-1, 2)]), np.float32)


class Renderer:
    """Renders parts with shadows."""

    def __init__(self) -> None:
        """Open a context without a window.

        Raises:
            MMNetError: OpenGL cannot be had.
        """
        open_context: Any = moderngl.create_context  # whose annotations do not know the name of a backend
        try:
            self._gl: moderngl.Context = open_context(standalone=True, backend="egl")
        except Exception as error:  # moderngl raises Exception itself
            raise MMNetError(f"OpenGL cannot be had ({error}); install Debian's libegl1 and libgl1-mesa-dri") from None
        self._shaded = self._gl.program(VERTEX, SHADED)
        self._depth = self._gl.program(VERTEX, DEPTH)
        self._maps = [self._gl.depth_texture((SHADOW_SIDE, SHADOW_SIDE)) for _ in range(LIGHTS)]
        for shadow in self._maps:
            shadow.compare_func = "<="
            shadow.repeat_x = shadow.repeat_y = False
        self._targets = [self._gl.framebuffer(depth_attachment=shadow) for shadow in self._maps]
        self._textures: dict[Path | None, moderngl.Texture] = {None: self._texture(PLAIN)}

    def _texture(self, image: U8Array) -> moderngl.Texture:
        """Return an image as a texture with its smaller levels."""
        height, width = image.shape[:2]
        texture = self._gl.texture((width, height), 4, np.ascontiguousarray(image).tobytes())
        texture.build_mipmaps()
        texture.filter = moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR
        return texture

    def _albedo(self, path: Path | None) -> moderngl.Texture:
        """Return a texture, read once."""
        if path not in self._textures:
            assert path is not None
            self._textures[path] = self._texture(read_texture(path))
        return self._textures[path]

    def render(self, parts: list[Part], view: View, lighting: Lighting) -> U8Array:
        """Render a person: uint8 [H, W, 4], RGB and straight alpha."""
        corners = [part.corners() for part in parts]
        buffers = [self._gl.buffer(values.tobytes()) for values in corners]
        self._gl.enable(moderngl.DEPTH_TEST)
        lights = self._cast_shadows(parts, buffers, np.concatenate(corners)[:, :3], lighting)
        size = view.width * SAMPLES, view.height * SAMPLES
        color, depth = self._gl.texture(size, 4, dtype="f2"), self._gl.depth_renderbuffer(size)
        frame = self._gl.framebuffer([color], depth)
        frame.use()
        frame.clear(0, 0, 0, 0, depth=1.0)
        self._set_scene(view, lighting, lights)
        for part, buffer in zip(parts, buffers, strict=True):
            self._draw(part, buffer)
        values = np.frombuffer(frame.read(components=4, dtype="f2"), np.float16).reshape(size[1], size[0], 4)
        resources: list[Any] = [frame, color, depth, *buffers]
        for resource in resources:
            resource.release()
        return _developed(values[::-1].astype(np.float32), view, lighting.exposure)

    def _cast_shadows(
        self, parts: list[Part], buffers: list[moderngl.Buffer], positions: F32Array, lighting: Lighting
    ) -> F32Array:
        """Fill the maps of shadows; return the matrices of the lights' views, [LIGHTS, 4, 4]."""
        middle, radius = middle_and_radius(positions)
        radius *= 1.02
        projection = np.diag([1 / radius, 1 / radius, -1 / (2 * radius), 1.0])
        projection[2, 3] = -1.0  # from 1 to 3 radii away
        matrices = []
        for target, direction in zip(self._targets, lighting.directions, strict=True):
            matrices.append(projection @ look_at(middle + direction * radius * 2, middle))
            target.use()
            target.clear(depth=1.0)
            _matrix(self._depth, "camera", matrices[-1])
            for part, buffer in zip(parts, buffers, strict=True):
                self._albedo(part.texture).use(0)
                vertices = self._gl.vertex_array(self._depth, [(buffer, "3f 12x4 2f", "position", "uv")])
                vertices.render()
                vertices.release()
        return np.asarray(matrices, np.float32)

    def _set_scene(self, view: View, lighting: Lighting, lights: F32Array) -> None:
        """Set what is the same for all parts."""
        program: Any = self._shaded
        _matrix(self._shaded, "camera", view.matrix)
        program["eye"], program["ambient"] = tuple(view.eye), tuple(lighting.ambient)
        program["light"].write(np.ascontiguousarray(lights.transpose(0, 2, 1)).tobytes())
        program["direction"].write(lighting.directions.astype("f4").tobytes())
        program["power"].write(lighting.powers.astype("f4").tobytes())
        program["albedo"], program["pattern"] = 0, PATTERN_UNIT
        for number, shadow in enumerate(self._maps):
            shadow.use(SHADOW_UNIT + number)
            program[f"shadow{number}"] = SHADOW_UNIT + number

    def _draw(self, part: Part, buffer: moderngl.Buffer) -> None:
        """Draw one part."""
        program: Any = self._shaded
        surface = part.surface
        self._albedo(part.texture).use(0)
        pattern = self._textures[None] if surface.pattern is None else self._texture(surface.pattern)
        pattern.use(PATTERN_UNIT)
        program["holes"] = float(part.holes)
        for name in ("tint", "tint_share", "pattern_share", "pattern_scale", "gain", "gloss"):
            program[name] = getattr(surface, name)
        vertices = self._gl.vertex_array(self._shaded, [(buffer, "3f 3f 2f", "position", "normal", "uv")])
        vertices.render()
        vertices.release()
        if surface.pattern is not None:
            pattern.release()


def _matrix(program: moderngl.Program, name: str, values: AnyArray) -> None:
    """Set a matrix, which OpenGL wants column by column."""
    uniform: Any = program[name]
    uniform.write(np.ascontiguousarray(values.T, np.float32).tobytes())


def _developed(samples: F32Array, view: View, exposure: float) -> U8Array:
    """Average linear samples, premultiplied, to pixels; expose them; return uint8 [H, W, 4] with straight alpha."""
    pixels = np.asarray(cv2.resize(samples, (view.width, view.height), interpolation=cv2.INTER_AREA), np.float32)
    alpha = pixels[..., 3:]
    light = np.clip(pixels[..., :3] / np.maximum(alpha, 1e-4), 0, None)
    solid = alpha[..., 0] > 0.9
    if solid.any():
        light *= (exposure / max(float(light[solid].mean()), 1e-3)) ** 0.75
    light = light / (1 + light * 0.25) * 1.18  # highlights are compressed
    return np.asarray(np.rint(np.dstack([np.clip(light, 0, 1) ** (1 / 2.2), alpha]) * 255), np.uint8)
