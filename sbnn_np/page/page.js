"use strict";
// The page: what it holds, what is chosen, and what the mouse, fingers and keys do.

const DATA = JSON.parse(element("data").textContent);
const FILE = bytesOf(DATA.file);
const MODEL = readModel(FILE);
const SIDE = Math.sqrt(MODEL.shape.reduce((product, size) => product * size));
const LIGHT = MODEL.ground === "light";                 // it knows dark ink on light ground
const EXAMPLES = DATA.examples.map(([name, coded]) => {
  const pixels = bytesOf(coded);
  return {name, pixels, result: forward(MODEL, pixels)};
});

const state = {
  ink: new Uint8Array(PAD * PAD),       // what has been drawn
  example: EXAMPLES.length ? 0 : null,  // the test image that is shown in its place, or null
  pixels: null,                         // what the network takes
  result: null,                         // what it makes of them
  chosen: {l: 0, m: 0},                 // the neuron in the panel; in the last layer, a class
  pen: null,                            // where the pen is: {x, y, down}; null if it was not used
};

// The pixels of what is drawn, or of the test image that was chosen, and all that follows.
function update() {
  if (state.example === null) {
    const picture = pictureOf(state.ink, SIDE);
    state.pixels = LIGHT ? picture.map(pixel => 255 - pixel) : picture;
  } else {
    state.pixels = EXAMPLES[state.example].pixels;
  }
  state.result = forward(MODEL, state.pixels);
  draw();
}

function draw() {
  drawPad();
  drawPicture();
  drawLayers();
  drawScores();
  drawNeuron(MODEL, state.result, state.chosen, SIDE, EXAMPLES);
  drawCosts();
  drawTraining();
}

// the pad

function drawPad() {
  const size = 226, canvas = element("pad"), pen = penOf(canvas, size, size);
  if (state.example !== null) {
    const small = document.createElement("canvas");
    drawSmall(small, inkOf(state.pixels), SIDE, 255);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, size, size);
  } else {
    const small = document.createElement("canvas");
    drawSmall(small, state.ink, PAD, 1);
    pen.drawImage(small, 0, 0, size, size);
  }
  if (state.pen && state.pen.keys) {                    // a cross where the keys have led the pen
    const u = state.pen.x * size / PAD, v = state.pen.y * size / PAD;
    pen.strokeStyle = colour("mark");
    pen.lineWidth = state.pen.down ? 3 : 1.5;
    pen.beginPath();
    pen.moveTo(u - 8, v);
    pen.lineTo(u + 8, v);
    pen.moveTo(u, v - 8);
    pen.lineTo(u, v + 8);
    pen.stroke();
  }
  const blank = state.example === null && !state.ink.includes(1);
  element("hint").textContent = blank ? "mouse, finger, or arrow keys and space" : "";
  [...element("examples").children].forEach((button, i) => {
    button.setAttribute("aria-pressed", i === state.example);
    drawSmall(button.firstChild, inkOf(EXAMPLES[i].pixels), SIDE, 255);
  });
}

// How much ink pixels have, whatever the ground of the pictures is.
function inkOf(pixels) {
  return LIGHT ? pixels.map(pixel => 255 - pixel) : pixels;
}

function clearPad() {
  state.ink.fill(0);
  state.example = null;
  if (state.pen) state.pen.down = false;
  update();
}

// Draw on, from where the pen is to (x, y) in points of the pad.
function drawTo(x, y) {
  if (state.example !== null) {                         // a drawing takes the test image's place
    state.ink.fill(0);
    state.example = null;
  }
  const from = state.pen && state.pen.down ? state.pen : {x, y};
  drawLine(state.ink, from.x, from.y, x, y);
  state.pen = {x, y, down: true, keys: false};
}

function padPoint(event) {
  const box = element("pad").getBoundingClientRect();
  return [
    (event.clientX - box.left) * PAD / box.width, (event.clientY - box.top) * PAD / box.height,
  ];
}

function startPad() {
  const pad = element("pad");
  let waiting = false;                                  // update once for each frame
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      update();
    });
  };
  pad.addEventListener("pointerdown", event => {
    if (event.button) return;
    if (event.isTrusted) pad.setPointerCapture(event.pointerId);
    if (state.pen) state.pen.down = false;
    drawTo(...padPoint(event));
    soon();
  });
  pad.addEventListener("pointermove", event => {
    if (!state.pen || !state.pen.down || state.pen.keys || !event.buttons) return;
    const moves = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const move of moves.length ? moves : [event]) drawTo(...padPoint(move));
    soon();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    pad.addEventListener(name, () => { if (state.pen) state.pen.down = false; });
  }
  pad.addEventListener("keydown", padKey);
  element("clear").addEventListener("click", clearPad);
}

const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

function padKey(event) {
  const pen = state.pen || {x: PAD / 2, y: PAD / 2, down: false}, arrow = ARROWS[event.key];
  if (arrow) {
    const [x, y] = arrow.map((way, i) => [pen.x, pen.y][i] + 10 * way)
      .map(place => Math.max(0, Math.min(PAD - 1, place)));
    if (pen.down) drawTo(x, y);
    state.pen = {x, y, down: pen.down, keys: true};
  } else if (event.key === " ") {
    if (!pen.down) drawTo(pen.x, pen.y);
    state.pen = {...pen, down: !pen.down, keys: true};
  } else if (event.key === "Delete" || event.key === "Backspace") {
    clearPad();
    return event.preventDefault();
  } else {
    return;
  }
  event.preventDefault();
  update();
}

function startExamples() {
  EXAMPLES.forEach(({name}, i) => {
    const button = add(element("examples"), "button");
    button.setAttribute("aria-label", `Test image ${name}`);
    button.title = name;
    add(button, "canvas");
    button.addEventListener("click", () => {
      state.example = i;
      update();
    });
  });
}

// the picture and its bits

function drawPicture() {
  const grid = gridOf(SIDE * SIDE, 198, 198, SIDE);
  const pen = penOf(element("picture"), grid.width, grid.height);
  drawCells(pen, grid, state.pixels, 255);
  if (state.chosen.l === 0) markInputs(pen, grid);
  element("picture").setAttribute("aria-label", "The picture that the network takes");
  element("picture-note").textContent = MODEL.binarize === null
    ? `${SIDE} \u00d7 ${SIDE} pixels from 0 to 255, each of 8 bits:`
    : `${SIDE} \u00d7 ${SIDE} pixels; each becomes one bit, 1 if it is above ${MODEL.binarize}:`;
  [...element("planes").children].forEach((figure, i) => {
    const bits = state.pixels.map(pixel => (
      MODEL.binarize === null ? pixel >> 7 - i & 1 : pixel > MODEL.binarize ? 1 : 0
    ));
    drawSmall(figure.firstChild, bits, SIDE, 1);
  });
}

function startPicture() {
  const names = MODEL.binarize === null ? [128, 64, 32, 16, 8, 4, 2, 1] : [""];
  for (const name of names) {
    const figure = add(element("planes"), "figure");
    add(figure, "canvas");
    add(figure, "figcaption", name);
  }
}

// The ones of the chosen neuron, over what it takes.
function markInputs(pen, grid) {
  const {l, m} = state.chosen, layer = MODEL.layers[l];
  const turned = Boolean(layer.flip && layer.flip[m]);
  drawMarks(pen, grid, state.result.layers[l].x, layer.ones[m], turned);
}

// the hidden layers

const hiddenLayers = MODEL.layers.slice(0, -1);

function layerGrid(M) {
  const narrow = matchMedia("(max-width: 760px)").matches;
  return narrow ? gridOf(M, document.body.clientWidth - 28, 200) : gridOf(M, 130, 258);
}

function startLayers() {
  hiddenLayers.forEach((layer, l) => {
    const stage = add(element("layers"), "div", "", "stage");
    add(stage, "h2", `Layer ${l + 1}`);
    const canvas = add(stage, "canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.addEventListener("pointerdown", event => {
      const box = canvas.getBoundingClientRect(), grid = layerGrid(layer.M);
      const column = Math.floor((event.clientX - box.left) / box.width * grid.columns);
      const row = Math.floor((event.clientY - box.top) / box.height * grid.rows);
      choose(l, row * grid.columns + column);
    });
    canvas.addEventListener("keydown", event => {
      const arrow = ARROWS[event.key];
      if (!arrow) return;
      event.preventDefault();
      const from = state.chosen.l === l ? state.chosen.m : -1;
      choose(l, from < 0 ? 0 : from + arrow[0] + arrow[1] * layerGrid(layer.M).columns);
    });
    add(stage, "p", "", "note");
  });
}

function choose(l, m) {
  if (m < 0 || m >= MODEL.layers[l].M) return;
  state.chosen = {l, m};
  draw();
}

function drawLayers() {
  [...element("layers").children].forEach((stage, l) => {
    const {bits} = state.result.layers[l], grid = layerGrid(bits.length);
    const canvas = stage.children[1];
    const pen = penOf(canvas, grid.width, grid.height), firing = bits.reduce((a, b) => a + b);
    drawCells(pen, grid, bits, 1);
    if (state.chosen.l === l + 1) markInputs(pen, grid);
    if (state.chosen.l === l) drawRing(pen, grid, state.chosen.m);
    stage.lastChild.textContent = `${firing} of ${bits.length} fire`;
    canvas.setAttribute("aria-label", `Layer ${l + 1}: ${firing} of ${bits.length} neurons fire. ` +
      "Arrow keys choose a neuron.");
  });
}

// the scores

function startScores() {
  MODEL.classes.forEach((name, m) => {
    const button = add(element("scores"), "button");
    for (const part of ["sign", "name", "bar", "number"]) add(button, "span", "", part);
    button.children[1].textContent = name;
    add(button.children[2], "i");
    add(button.children[2], "b");
    button.addEventListener("click", () => choose(hiddenLayers.length, m));
  });
}

function drawScores() {
  const {scores} = state.result, winner = best(scores);
  const all = EXAMPLES.flatMap(example => [...example.result.scores]).concat([...scores]);
  const low = Math.min(0, ...all), high = Math.max(1, ...all), span = high - low;
  const blank = new Set(state.pixels).size < 2;
  [...element("scores").children].forEach((button, m) => {
    const chosen = state.chosen.l === hiddenLayers.length && state.chosen.m === m;
    button.className = (m === winner && !blank ? "best " : "") + (chosen ? "chosen" : "");
    const [sign, , bar, written] = button.children, [fill, zero] = bar.children;
    sign.textContent = m === winner && !blank ? "\u25b8" : "";
    zero.style.left = `${100 * -low / span}%`;
    fill.style.left = `${100 * (Math.min(0, scores[m]) - low) / span}%`;
    fill.style.width = `${100 * Math.abs(scores[m]) / span}%`;
    written.textContent = scores[m].toFixed(2).replace("-", "\u2212");
  });
  const answer = element("answer");
  answer.textContent = blank ? "The picture is blank." : "The network reads ";
  if (!blank) add(answer, "b", MODEL.classes[winner]);
}

// what it costs

function drawCosts() {
  const costs = element("costs"), adds = state.result.adds, full = fullAdds(MODEL);
  const floats = float32Bytes(MODEL), ones = MODEL.layers.map(layer => layer.ones.length);
  costs.textContent = "";
  const cost = (title, value, most, text) => {
    const part = add(costs, "div", "", "cost");
    add(part, "p", title, "note");
    add(part, "strong", number(value));
    const meter = add(part, "div", "", "meter");
    add(meter, "i").style.width = `${100 * value / most}%`;
    add(part, "p", text, "note");
  };
  cost("additions for this picture", adds, full, `${percent(adds / full)} of the ` +
    `${number(full)} that it takes if every weight counts. A weight of 0 costs nothing.`);
  cost("bytes of the model file", FILE.length, floats, `${percent(FILE.length / floats)} of the ` +
    `${number(floats)} that the same network takes in float32. This page holds the file.`);
  add(costs, "p", `Multiplications: ${number(ones[ones.length - 1])}, one for each score.`, "note");
}

// the whole page

function show(view) {
  for (const name of ["use", "training"]) {
    element(name).hidden = name !== view;
    element("see-" + name).setAttribute("aria-pressed", name === view);
  }
  stopPlaying();
  draw();
}

function step(way) {
  const {l, m} = state.chosen, {M} = MODEL.layers[l];
  choose(l, (m + way + M) % M);
}

function start() {
  const ones = MODEL.layers.reduce((sum, layer) => (
    sum + layer.ones.reduce((count, each) => count + each.length, 0)
  ), 0);
  const weights = MODEL.layers.reduce((sum, layer) => sum + layer.D * layer.M, 0);
  element("about").textContent = `Every weight is 0 or 1, and only ${number(ones)} of ` +
    `${number(weights)} are 1 (${percent(ones / weights)}). Draw, and click a neuron.`;
  startPad();
  startExamples();
  startPicture();
  startLayers();
  startScores();
  startTraining(DATA.trace);
  element("see-use").addEventListener("click", () => show("use"));
  element("see-training").addEventListener("click", () => show("training"));
  element("previous").addEventListener("click", () => step(-1));
  element("next").addEventListener("click", () => step(1));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", draw);
  if (location.hash === "#training") show("training");
  update();
  document.body.dataset.ready = performance.now().toFixed(0);   // milliseconds since the page began
}

start();
