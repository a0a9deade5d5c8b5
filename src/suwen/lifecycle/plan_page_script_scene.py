"""The page's program, fourth part: a small renderer in WebGL, and a plain one where there is no WebGL."""

SCENE = r"""
const VERTEX = `attribute vec3 point, normal, colour; uniform mat4 view, model; varying vec3 world, facing, tone;
void main() { vec4 at = model * vec4(point, 1.0); world = at.xyz; facing = mat3(model) * normal; tone = colour;
  gl_Position = view * at; }`;
const FRAGMENT = `precision mediump float; varying vec3 world, facing, tone; uniform vec3 eye, light;
uniform float opacity, glass, glow;
void main() { vec3 n = normalize(facing), v = normalize(eye - world); if (dot(n, v) < 0.0) n = -n;
  float sky = 0.5 + 0.5 * n.z, lit = max(dot(n, light), 0.0);
  float shine = pow(max(dot(n, normalize(light + v)), 0.0), 36.0), rim = 1.0 - abs(dot(n, v));
  vec3 c = tone * (0.26 + 0.22 * sky + 0.62 * lit) + vec3(0.18 * shine);
  c = mix(c, tone, glow);
  float a = glass > 0.5 ? opacity * (0.2 + 2.0 * pow(rim, 2.0)) : opacity;
  if (glass > 0.5) c = c * 0.8 + tone * 0.35 * rim;
  gl_FragColor = vec4(c, min(a, 1.0)); }`;

function renderer(canvas) {
  const gl = canvas.getContext("webgl", { antialias: true, preserveDrawingBuffer: true, alpha: false });
  if (!gl) return null;
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text); gl.compileShader(shader); gl.attachShader(program, shader);
  }
  ["point", "normal", "colour"].forEach((name, at) => gl.bindAttribLocation(program, at, name));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  gl.useProgram(program);
  const place = Object.fromEntries(["view", "model", "eye", "light", "opacity", "glass", "glow"]
    .map((name) => [name, gl.getUniformLocation(program, name)]));
  gl.enable(gl.DEPTH_TEST); gl.enable(gl.BLEND);
  gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA);

  function stored(body) {
    if (body.held) return body.held;
    const fill = (kind, content) => { const held = gl.createBuffer(); gl.bindBuffer(kind, held);
      gl.bufferData(kind, content, gl.STATIC_DRAW); return held; };
    if (body.triangles instanceof Uint32Array) gl.getExtension("OES_element_index_uint");
    body.held = { points: fill(gl.ARRAY_BUFFER, body.points), normals: fill(gl.ARRAY_BUFFER, body.normals),
      colours: body.colours && fill(gl.ARRAY_BUFFER, body.colours), triangles: fill(gl.ELEMENT_ARRAY_BUFFER,
        body.triangles),
      count: body.triangles.length, type: body.triangles instanceof Uint32Array ? gl.UNSIGNED_INT : gl.UNSIGNED_SHORT };
    return body.held;
  }
  function show({ body, model, colour, opacity = 1, glass, glow = 0 }, share = 1) {
    const held = stored(body);
    gl.uniformMatrix4fv(place.model, false, model || STILL);
    gl.uniform1f(place.opacity, opacity * share); gl.uniform1f(place.glass, glass ? 1 : 0);
      gl.uniform1f(place.glow, glow);
    [held.points, held.normals].forEach((buffer, at) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer); gl.enableVertexAttribArray(at); gl.vertexAttribPointer(at, 3, gl.FLOAT,
        false, 0, 0);
    });
    if (held.colours) { gl.bindBuffer(gl.ARRAY_BUFFER, held.colours); gl.enableVertexAttribArray(2);
      gl.vertexAttribPointer(2, 3, gl.FLOAT, false, 0, 0); }
    else { gl.disableVertexAttribArray(2); gl.vertexAttrib3f(2, ...colour); }
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, held.triangles);
    gl.drawElements(gl.TRIANGLES, held.count, held.type, 0);
  }
  return function draw(camera, items) {
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0.035, 0.047, 0.063, 1); gl.depthMask(true); gl.disable(gl.CULL_FACE);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.uniformMatrix4fv(place.view, false, camera.matrix); gl.uniform3f(place.eye, ...camera.eye);
      gl.uniform3f(place.light, ...camera.light);
    const firm = items.filter((one) => !one.glass && !(one.opacity < 1)), thin = items.filter((one) => one.glass ||
      one.opacity < 1);
    firm.forEach((one) => show(one));
    // What lies behind a structure still shines through it: the path is never lost.
    gl.depthMask(false); gl.depthFunc(gl.GREATER);
    firm.filter((one) => one.through).forEach((one) => show({ ...one, glow: 1 }, 0.3));
    gl.depthFunc(gl.LESS); gl.enable(gl.CULL_FACE);
    thin.forEach((one) => { gl.cullFace(gl.FRONT); show(one, 0.45); gl.cullFace(gl.BACK); show(one); });
    gl.depthMask(true);
  };
}

// Without WebGL: every triangle projected, shaded flat, far ones first. Slower, and turned by hand only.
function plainRenderer(canvas) {
  const pen = canvas.getContext("2d");
  return function draw(camera, items) {
    pen.setTransform(1, 0, 0, 1, 0, 0); pen.fillStyle = "#090c10"; pen.fillRect(0, 0, canvas.width, canvas.height);
    const faces = [];
    for (const { body, model, colour, opacity = 1, glass } of items) {
      const m = model || STILL, { points, triangles } = body, put = [];
      for (let at = 0; at < points.length; at += 3) {
        const [x, y, z] = [points[at], points[at + 1], points[at + 2]];
        put.push([0, 1, 2].map((row) => m[row] * x + m[row + 4] * y + m[row + 8] * z + m[row + 12]));
      }
      const seen = put.map((point) => camera.project(point, canvas.width, canvas.height));
      for (let at = 0; at < triangles.length; at += 3) {
        const [a, b, c] = [triangles[at], triangles[at + 1], triangles[at + 2]];
        if (seen[a][2] <= 0 || seen[b][2] <= 0 || seen[c][2] <= 0) continue;
        const one = sub(seen[b], seen[a]), two = sub(seen[c], seen[a]);
        if (one[0] * two[1] - one[1] * two[0] >= 0) continue; // turned away
        const lit = Math.abs(dot(unit(cross(sub(put[b], put[a]), sub(put[c], put[a]))), camera.light));
        const tone = body.colours ? [...body.colours.subarray(3 * a, 3 * a + 3)] : colour;
        faces.push([seen[a][2] + seen[b][2] + seen[c][2], [seen[a], seen[b], seen[c]], tone.map((part) =>
          part * (0.4 + 0.6 * lit)), glass ? opacity * 0.35 : opacity]);
      }
    }
    faces.sort((one, two) => two[0] - one[0]);
    for (const [, corners, tone, opacity] of faces) {
      pen.fillStyle = css(tone.map((part) => Math.min(part, 1)), opacity);
      pen.beginPath(); corners.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y))); pen.fill();
    }
  };
}

// A camera that looks at one point: yaw about the patient's long axis (0 is from the front), pitch above it.
function cameraOf({ centre, distance, yaw, pitch }, wide, high) {
  const away = [Math.sin(yaw) * Math.cos(pitch), -Math.cos(yaw) * Math.cos(pitch), Math.sin(pitch)];
  const eye = add(centre, times(away, distance)), right = [Math.cos(yaw), Math.sin(yaw), 0], up = cross(away, right);
  const near = Math.max(distance / 60, 1), far = distance * 4 + 2500, field = 1 / Math.tan(0.26);
  const fx = wide < high ? field : field * high / wide, fy = wide < high ? field * wide / high : field;
  const a = (far + near) / (near - far), b = 2 * far * near / (near - far);
  const row = (axis, scale) => [...times(axis, scale), -scale * dot(axis, eye)];
  const rows = [row(right, fx), row(up, fy), row(away, a), row(away, -1)];
  rows[2][3] += b;
  const matrix = new Float32Array(16);
  rows.forEach((line, at) => line.forEach((value, column) => { matrix[4 * column + at] = value; }));
  return { eye, right, up, away, matrix, light: unit(add(add(times(away, 0.8), times(up, 0.55)), times(right, -0.35))),
    project(point, width, height) {
      const off = sub(point, eye), deep = -dot(off, away);
      return [width / 2 * (1 + fx * dot(off, right) / deep), height / 2 * (1 - fy * dot(off, up) / deep), deep];
    } };
}
"""
