"""The page's program, third part: the bodies of the 3-D view, from the meshes and from the path, arm and markers."""

SHAPES = r"""
// A body: points, normals, triangles; a colour for all or one for each point.
function unfolded(buffer, one) {
  const packed = array(buffer, one.points), folded = array(buffer, one.normals);
  const points = new Float32Array(packed.length), normals = new Float32Array(packed.length);
  for (let at = 0; at < packed.length; at++) points[at] = one.centre[at % 3] + one.step * packed[at];
  for (let at = 0; at < packed.length / 3; at++) {
    let x = folded[2 * at] / 127, y = folded[2 * at + 1] / 127, z = 1 - Math.abs(x) - Math.abs(y);
    const under = Math.max(-z, 0);
    x -= x >= 0 ? under : -under; y -= y >= 0 ? under : -under;
    normals.set(unit([x, y, z]), 3 * at);
  }
  return { points, normals, triangles: array(buffer, one.triangles) };
}

function frameOf(way) {
  const along = unit(way), aside = unit(cross(along, Math.abs(along[2]) < 0.9 ? [0, 0, 1] : [1, 0, 0]));
  return [aside, cross(along, aside)];
}

// A round tube along a line; colour(arc) and radius(arc) may change on the way.
function tube(line, radius, colour, sides = 14) {
  const points = [], normals = [], colours = [], triangles = [];
  let arc = 0, aside = frameOf(sub(line[1], line[0]))[0];
  line.forEach((point, at) => {
    const way = unit(sub(line[Math.min(at + 1, line.length - 1)], line[Math.max(at - 1, 0)]));
    aside = unit(sub(aside, times(way, dot(aside, way))));
    const beside = cross(way, aside), wide = typeof radius === "function" ? radius(arc) : radius;
    const tone = typeof colour === "function" ? colour(arc) : colour;
    for (let side = 0; side < sides; side++) {
      const turn = 2 * Math.PI * side / sides;
      const normal = add(times(aside, Math.cos(turn)), times(beside, Math.sin(turn)));
      points.push(...add(point, times(normal, wide))); normals.push(...normal); colours.push(...tone);
      if (at) {
        const a = (at - 1) * sides + side, b = (at - 1) * sides + (side + 1) % sides;
        triangles.push(a, a + sides, b, b, a + sides, b + sides);
      }
    }
    if (at < line.length - 1) arc += long(sub(line[at + 1], point));
  });
  return solid(points, normals, triangles, colours);
}

function solid(points, normals, triangles, colours) {
  return { points: new Float32Array(points), normals: new Float32Array(normals),
    triangles: new Uint16Array(triangles), colours: colours && new Float32Array(colours) };
}

function ball(rings = 12, around = 20) {
  const points = [], triangles = [];
  for (let ring = 0; ring <= rings; ring++) for (let step = 0; step <= around; step++) {
    const down = Math.PI * ring / rings, turn = 2 * Math.PI * step / around;
    points.push(Math.sin(down) * Math.cos(turn), Math.sin(down) * Math.sin(turn), Math.cos(down));
    if (ring && step) {
      const d = ring * (around + 1) + step, a = d - around - 2;
      triangles.push(a, d - 1, a + 1, a + 1, d - 1, d);
    }
  }
  return solid(points, points, triangles);
}

// A rod of length 1 along z; its far end has the share `taper` of the near end's radius 1.
function rod(taper, around = 24) {
  const points = [], normals = [], triangles = [];
  for (let step = 0; step <= around; step++) {
    const turn = 2 * Math.PI * step / around, x = Math.cos(turn), y = Math.sin(turn);
    points.push(x, y, 0, x * taper, y * taper, 1); normals.push(x, y, 0, x, y, 0);
    if (step) { const d = 2 * step; triangles.push(d - 2, d, d - 1, d - 1, d, d + 1); }
  }
  return solid(points, normals, triangles);
}

// Octahedra at points, one colour each: the risk map on the skin.
function grains(spots, size, colour) {
  const points = [], normals = [], colours = [], triangles = [];
  const corners = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]];
  spots.forEach((spot, at) => {
    corners.forEach((corner) => {
      points.push(...add(spot, times(corner, size))); normals.push(...corner); colours.push(...colour(spot));
    });
    [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]
      .forEach((face) => triangles.push(...face.map((corner) => 6 * at + corner)));
  });
  return solid(points, normals, triangles, colours);
}

// Low to high: the colours of the risk map, from dark blue over green to yellow (viridis, five stops).
const RISK = [[0.27, 0, 0.33], [0.23, 0.32, 0.55], [0.13, 0.57, 0.55], [0.37, 0.79, 0.38], [0.99, 0.91, 0.14]];
function riskColour() {
  const values = data.risk.map((one) => one[3]), low = Math.min(...values), high = Math.max(...values);
  return (value) => {
    const at = clamp((value - low) / (high - low || 1), 0, 1) * 4, step = Math.min(Math.floor(at), 3);
    return mix(RISK[step], RISK[step + 1], at - step);
  };
}

// Columns of a matrix that lays a body of unit size from one point to another.
function laid(from, to, wide) {
  const way = sub(to, from), [aside, beside] = frameOf(way);
  return [...times(aside, wide), 0, ...times(beside, wide), 0, ...way, 0, ...from, 1];
}
const scaled = (at, size) => [size, 0, 0, 0, 0, size, 0, 0, 0, 0, size, 0, ...at, 1];
const STILL = scaled([0, 0, 0], 1);
"""
