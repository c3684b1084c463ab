"use strict";
// The page: what it holds, what is chosen, and what the mouse, fingers and keys do.

const DATA = JSON.parse(element("data").textContent);
const FILE = bytesOf(DATA.file);
const MODEL = readModel(FILE);
const SIDE = Math.sqrt(MODEL.shape.reduce((product, size) => product * size));
const LIGHT = MODEL.ground === "light";                 // it knows dark ink on light ground
const EXAMPLES = DATA.examples.map(([name, coded], n) => {
  const pixels = bytesOf(coded), label = name.length < 4 ? name : String(n + 1);
  const result = forward(MODEL, pixels), read = MODEL.classes[best(result.scores)];
  // a name that is a class tells what the image shows
  const wrong = MODEL.classes.includes(name) && name !== read ? `${a(name)}, read as ${read}` : "";
  return {name, label, pixels, result, wrong};
});

const state = {
  ink: new Uint8Array(PAD * PAD),       // what has been drawn
  example: EXAMPLES.length ? 0 : null,  // the test image that is shown in its place, or null
  pixels: null,                         // what the network takes
  result: null,                         // what it makes of them
  chosen: {l: 0, i: 0},                 // the bit in the panel; in the last layer, a class
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
  drawNeuron(MODEL, state.result, state.chosen, shapeOf(state.chosen.l), EXAMPLES);
  drawWires();
  drawCosts();
  drawTraining();
}

// the picture and its bits

// The shape in which the inputs of a layer are drawn: the picture, or the layer before.
const shapeOf = l => l ? MODEL.layers[l - 1].out : [SIDE, SIDE, 1];

const pictureGrid = () => gridOf(shapeOf(0), 198, 198);

function drawPicture() {
  const grid = pictureGrid();
  const pen = penOf(element("picture"), grid.width, grid.height);
  drawCells(pen, grid, state.pixels, 255);
  if (state.chosen.l === 0) markInputs(pen, grid);
  element("picture").setAttribute("aria-label", "The picture that the network takes");
  [...element("planes").children].forEach((figure, i) => {
    const bits = state.pixels.map(pixel => (
      MODEL.binarize === null ? pixel >> 7 - i & 1 : pixel > MODEL.binarize ? 1 : 0
    ));
    drawSmall(figure.firstChild, bits, SIDE, 1);
  });
}

function startPicture() {
  const names = MODEL.binarize === null ? [128, 64, 32, 16, 8, 4, 2, 1] : [""];
  element("picture-note").textContent = `${SIDE} \u00d7 ${SIDE} pixels from 0 to 255. A drawing ` +
    "is scaled and centred as the digits of MNIST were; so a dot becomes a disc.";
  element("bits").firstElementChild.textContent = MODEL.binarize === null
    ? "As 8 pictures of bits, which fast engines add in turn"
    : `Each pixel becomes one bit, 1 if it is above ${MODEL.binarize}`;
  element("bits").open = MODEL.binarize !== null;
  element("bits").addEventListener("toggle", draw);     // the wires may have to move
  for (const name of names) {
    const figure = add(element("planes"), "figure");
    add(figure, "canvas");
    add(figure, "figcaption", name);
  }
}

// The ones of the chosen neuron, over what it takes.
function markInputs(pen, grid) {
  const {l, i} = state.chosen, layer = MODEL.layers[l], here = state.result.layers[l];
  drawMarks(pen, grid, here.x, inputsOf(layer, here, i), isTurned(layer, i));
  if (layer.OH * layer.OW > 1) drawWindow(pen, grid, layer, here.places[i]);
}

// the hidden layers

const hiddenLayers = MODEL.layers.slice(0, -1);

function layerGrid({out}) {
  if (isNarrow()) return gridOf(out, document.body.clientWidth - 34, 200);
  return gridOf(out, out[0] * out[1] > 1 ? 216 : 130, 258);
}

function startLayers() {
  hiddenLayers.forEach((layer, l) => {
    const stage = add(element("layers"), "div", "", "stage");
    add(stage, "h2", `Layer ${l + 1}`);
    const canvas = add(stage, "canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.addEventListener("pointerdown", event => {
      const box = canvas.getBoundingClientRect(), grid = layerGrid(layer);
      const column = Math.floor((event.clientX - box.left - MARGIN) / grid.cell);
      const row = Math.floor((event.clientY - box.top - MARGIN) / grid.cell);
      choose(l, cellAt(grid, column, row));
    });
    canvas.addEventListener("keydown", event => {
      const arrow = ARROWS[event.key];
      if (!arrow) return;
      event.preventDefault();
      if (state.chosen.l !== l) choose(l, 0);
      else chooseBeside(layerGrid(layer), arrow);
    });
    add(stage, "p", "", "note");
  });
}

function choose(l, i) {
  if (i < 0) return;
  state.chosen = {l, i};
  draw();
}

// The next cell in a direction, beyond a gap if there is one.
function chooseBeside(grid, [right, down]) {
  const {l, i} = state.chosen, [x, y] = placeOf(grid, i);
  for (const far of [1, 2]) {
    const beside = cellAt(grid, x / grid.cell + far * right, y / grid.cell + far * down);
    if (beside >= 0) return choose(l, beside);
  }
}

function drawLayers() {
  [...element("layers").children].forEach((stage, l) => {
    const {bits} = state.result.layers[l], grid = layerGrid(MODEL.layers[l]);
    const canvas = stage.children[1];
    const pen = penOf(canvas, grid.width, grid.height), firing = bits.reduce((a, b) => a + b);
    drawCells(pen, grid, bits, 1);
    if (state.chosen.l === l + 1) markInputs(pen, grid);
    if (state.chosen.l === l) drawRing(pen, grid, state.chosen.i);
    stage.lastChild.textContent = `\u25a0 ${firing} of ${bits.length} fire`;
    canvas.setAttribute("aria-label", `Layer ${l + 1}: ${firing} of ${bits.length} neurons fire. ` +
      "Arrow keys choose a neuron.");
  });
}

// the scores

function startScores() {
  const longest = Math.max(...MODEL.classes.map(name => name.length));
  element("scores").style.setProperty("--name", `${Math.min(longest, 10) + 0.5}ch`);
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
  element("scores").classList.toggle("blank", blank);
  [...element("scores").children].forEach((button, m) => {
    const chosen = state.chosen.l === hiddenLayers.length && state.chosen.i === m;
    button.className = (m === winner && !blank ? "best " : "") + (chosen ? "chosen" : "");
    const [sign, , bar, written] = button.children, [fill, zero] = bar.children;
    sign.textContent = m === winner && !blank ? "\u25b8" : "";
    zero.style.left = `${100 * -low / span}%`;
    fill.style.left = `${100 * (Math.min(0, scores[m]) - low) / span}%`;
    fill.style.width = `${100 * Math.abs(scores[m]) / span}%`;
    written.textContent = scores[m].toFixed(2).replace("-", "\u2212");
  });
  const answer = element("answer");
  answer.textContent = blank ? "Blank: there is nothing to read."
    : "The network reads ";
  if (blank) return;
  add(answer, "b", MODEL.classes[winner]);
  const {name, wrong} = EXAMPLES[state.example] || {};
  if (wrong) add(answer, "span", ` \u2717 it is ${a(name)}`, "misread");
}

// what it costs

function drawCosts() {
  const costs = element("costs"), adds = state.result.adds, full = fullAdds(MODEL);
  const floats = float32Bytes(MODEL), {D, M, ones} = MODEL.layers[0];
  costs.textContent = "";
  const cost = (title, value, most, text) => {
    const part = add(costs, "div", "", "cost");
    add(part, "p", title, "note");
    add(part, "strong", number(value));
    const meter = add(part, "div", "", "meter");
    add(meter, "i").style.width = `${100 * value / most}%`;
    add(part, "p", text, "note");
  };
  cost("additions for a picture, always the same", adds, full, `${percent(adds / full)} of the ` +
    `${number(full)} that it takes if every weight counts. A weight of 0 costs nothing.`);
  const parts = partsOfAdds(MODEL);
  add(costs.lastChild, "p", `${number(parts.ones)} ones ` +
    `\u2212 ${number(parts.firsts)} (a neuron's first one needs no addition)` + (parts.totals
    ? ` + ${number(parts.totals)} (the total of each layer's inputs) + ` +
      `${number(parts.subtractions)} (to subtract a part of it from each sum).` : "."), "note");
  cost("bytes of the model file", FILE.length, floats, `${percent(FILE.length / floats)} of the ` +
    `${number(floats)} that the same network takes in float32. This page holds the file.`);
  const few = Math.round(ones.reduce((sum, each) => sum + each.length, 0) / M);
  add(costs, "p", `Why so few: a neuron of layer 1 has ${few} ones on average. It adds the ` +
    `${few} inputs at them, where a neuron without zeros would add ${number(D)}.`, "note");
  add(costs, "p", `Multiplications: ${MODEL.classes.length}, one for each score.`, "note");
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
  const {l, i} = state.chosen, n = state.result.layers[l].sums.length;
  choose(l, (i + way + n) % n);
}

function start() {
  const ones = MODEL.layers.reduce((sum, layer) => (
    sum + layer.ones.reduce((count, each) => count + each.length, 0)
  ), 0);
  const weights = MODEL.layers.reduce((sum, layer) => sum + layer.D * layer.M, 0);
  const digits = MODEL.classes.join("") === "0123456789";
  const does = digits ? "reads handwritten digits" : `knows ${MODEL.classes.length} classes`;
  element("about").textContent = `It ${does}. Every weight is 0 or 1, and only ` +
    `${number(ones)} of ${number(weights)} are 1 (${percent(ones / weights)}). ` +
    "Draw, and click a neuron or a score.";
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
  update();
  document.body.dataset.ready = performance.now().toFixed(0);   // milliseconds since the page began
}

start();
