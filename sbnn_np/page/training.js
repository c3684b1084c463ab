"use strict";
// The view that plays a training: the ones of some neurons of the first layer, and the density.

const TRAINING = {trace: null, timer: 0};

// A trace as trace.py writes it into the page: a list of frames, and for each the bits of each
// neuron (packed, neuron by neuron), the density of each layer and the accuracy.
function readTrace(trace) {
  const D = trace.shape[0] * trace.shape[1], n = trace.neurons;
  trace.bits = trace.bits.map(coded => {
    const bits = plainBits(bytesOf(coded), n * D);
    return Array.from({length: n}, (_, m) => bits.subarray(m * D, (m + 1) * D));
  });
  return trace;
}

function startTraining(trace) {
  if (!trace) return;                                   // then there is only the other view
  element("views").hidden = false;
  TRAINING.trace = readTrace(trace);
  const slider = element("epoch");
  slider.max = trace.bits.length - 1;
  slider.value = slider.max;
  for (let m = 0; m < trace.neurons; m++) add(element("learners"), "canvas").role = "img";
  slider.addEventListener("input", () => {
    stopPlaying();
    drawTraining();
  });
  element("play").addEventListener("click", () => TRAINING.timer ? stopPlaying() : play());
}

function play() {
  const slider = element("epoch");
  if (slider.value === slider.max) slider.value = 0;
  element("play").textContent = "Pause";
  drawTraining();
  TRAINING.timer = setInterval(() => {
    slider.value = Number(slider.value) + 1;
    drawTraining();
    if (slider.value === slider.max) stopPlaying();
  }, 700);
}

function stopPlaying() {
  clearInterval(TRAINING.timer);
  TRAINING.timer = 0;
  element("play").textContent = "Play";
}

function drawTraining() {
  const {trace} = TRAINING;
  if (!trace || element("training").hidden) return;
  const e = Number(element("epoch").value), last = trace.bits.length - 1;
  element("epoch-title").textContent = e ? `After epoch ${e} of ${last}` : "At the start";
  const ones = trace.bits[e].reduce((sum, bits) => sum + bits.reduce((a, b) => a + b), 0);
  let text = `${percent(trace.density[e])} of all weights are 1. Below are ${trace.neurons} ` +
    `neurons of the first layer, each with a place for every pixel. They have ${ones} ones.`;
  if (e) text += ` Validation accuracy: ${percent(trace.accuracy[e])}.`;
  element("epoch-text").textContent = text;
  const room = Math.min(520, document.body.clientWidth - 66);
  const cell = Math.max(2, Math.floor((room - 24) / 4 / trace.shape[1]));
  [...element("learners").children].forEach((canvas, m) => {
    drawLearner(canvas, trace.shape, cell, trace.bits[e][m], trace.bits[Math.max(0, e - 1)][m]);
    canvas.setAttribute("aria-label", `The ones of neuron ${m + 1}`);
  });
  drawCurves(e);
}

// The ones of one neuron: squares; those that are new are diamonds, those that went are rings.
function drawLearner(canvas, shape, cell, bits, before) {
  const [rows, columns] = shape, pen = penOf(canvas, columns * cell, rows * cell, 2);
  bits.forEach((bit, i) => {
    if (!bit && !before[i]) return;
    const x = i % columns * cell + cell / 2, y = Math.floor(i / columns) * cell + cell / 2;
    if (bit && before[i]) {
      pen.fillStyle = colour("ink");
      pen.fillRect(x - cell / 2, y - cell / 2, cell, cell);
    } else if (bit) {
      const r = 0.85 * cell;
      pen.fillStyle = colour("for");
      pen.beginPath();
      pen.moveTo(x, y - r);
      pen.lineTo(x + r, y);
      pen.lineTo(x, y + r);
      pen.lineTo(x - r, y);
      pen.fill();
    } else {
      pen.strokeStyle = colour("against");
      pen.beginPath();
      pen.arc(x, y, 0.45 * cell, 0, 7);
      pen.stroke();
    }
  });
}

// The density of each layer over the epochs, and where the slider stands.
function drawCurves(e) {
  const {trace} = TRAINING, svg = element("curves"), last = trace.bits.length - 1;
  svg.textContent = "";
  const width = svg.clientWidth || 400, height = 330, left = 46, right = width - 98;
  const top = 34, bottom = height - 34;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", "Density of ones by epoch");
  const layers = trace.layer_densities[0].map((_, l) => ({
    name: `layer ${l + 1}`, values: trace.layer_densities.map(row => row[l]),
  }));
  if (layers.length > 1) layers.push({name: "all", values: trace.density});
  const most = Math.max(...layers.flatMap(layer => layer.values));
  const step = [.001, .002, .005, .01, .02, .05, .1, .2, .5].find(s => most / s <= 5) || 1;
  const x = epoch => left + (right - left) * epoch / Math.max(1, last);
  const y = density => bottom - (bottom - top) * density / (step * Math.ceil(most / step));
  addSvg(svg, "text", {x: 0, y: 14}, "ones of all weights, by layer");
  for (let tick = 0; tick <= Math.ceil(most / step); tick++) {
    const v = y(tick * step);
    addSvg(svg, "line", {x1: left, x2: right, y1: v, y2: v, stroke: colour("line")});
    addSvg(svg, "text", {x: left - 6, y: v + 4, "text-anchor": "end", class: "soft"},
           `${+(100 * tick * step).toFixed(1)}%`);
  }
  for (const epoch of [0, last]) {
    addSvg(svg, "text", {x: x(epoch), y: bottom + 18, "text-anchor": "middle", class: "soft"},
           epoch ? `epoch ${epoch}` : "start");
  }
  addSvg(svg, "line", {
    x1: x(e), x2: x(e), y1: top, y2: bottom, stroke: colour("mark"), "stroke-width": 1.5,
  });
  let above = Infinity;                                 // labels must not cover one another
  layers.sort((a, b) => a.values[last] - b.values[last]).forEach(({name, values}, i) => {
    const all = name === "all";
    addSvg(svg, "polyline", {
      points: values.map((value, epoch) => `${x(epoch)},${y(value)}`).join(" "), fill: "none",
      stroke: colour(all ? "ink" : "for"), "stroke-width": all ? 2.5 : 1.5,
      "stroke-dasharray": all ? "none" : ["none", "6 3", "2 3"][i % 3],
    });
    addSvg(svg, "circle", {cx: x(e), cy: y(values[e]), r: 3.5, fill: colour(all ? "ink" : "for")});
    above = Math.min(y(values[last]), above - 15);
    addSvg(svg, "text", {x: right + 6, y: above + 4, "font-weight": all ? 650 : 400},
           `${name} ${percent(values[last])}`);
  });
}
