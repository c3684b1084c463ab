"use strict";
// The panel of one neuron: its ones over its inputs, its sum beside its threshold, its direction.

// Whether the neuron of bit i is turned round: it fires below its threshold, or, if it is a class,
// its score falls as its sum grows.
function isTurned(layer, i) {
  return layer.flip ? layer.flip[i % layer.M] === 1 : layer.factor[i] < 0;
}

// The numbers of the inputs at the ones of the neuron of bit i, without those that padding adds.
function inputsOf(layer, here, i) {
  const seen = windowOf(layer, here.places[i]);
  return layer.ones[i % layer.M].map(d => seen[d]).filter(d => d >= 0);
}

// What the panel says of bit i of layer l, in words and numbers.
function accountOf(model, result, l, i) {
  const layer = model.layers[l], here = result.layers[l], m = i % layer.M;
  const Z = here.sums[i], total = here.totals[i], inputs = inputsOf(layer, here, i);
  const account = {
    l, i, m, layer, here, inputs, Z, total,
    z: (Z + layer.centre * total) / layer.unit,         // the sum before the centre
    K: layer.ones[m].length,
    live: inputs.filter(d => here.x[d]).length,
    hidden: Boolean(layer.threshold),
    pixels: l === 0 && model.binarize === null,
    ink: model.ground === "light" ? "brightness" : "ink",           // what its pixels are large for
    convolution: layer.OH * layer.OW > 1,
    turned: isTurned(layer, i),
  };
  if (account.hidden) {
    account.bit = here.bits[i];
    account.threshold = layer.threshold[m];
    const [low, high] = rangeOf(layer, account.K, account.pixels ? 255 : 1);
    account.fixed = account.threshold <= low || account.threshold > high;
  } else {
    account.score = here.scores[i];
  }
  return account;
}

// The smallest and the largest sum that a neuron with K ones can have.
function rangeOf(layer, K, largest) {
  return [
    -layer.centre * largest * (layer.D - K), (layer.unit - layer.centre) * largest * K,
  ];
}

function nameOf(model, {l, i, m, layer, hidden, convolution}) {
  if (!hidden) return `Class ${model.classes[m]}`;
  if (!convolution) return `Neuron ${m + 1} of layer ${l + 1}`;
  const place = Math.floor(i / layer.M), W = layer.out[1];
  return `Neuron ${m + 1} of layer ${l + 1}, row ${Math.floor(place / W) + 1}, ` +
    `column ${place % W + 1},`;
}

function drawNeuron(model, result, {l, i}, shape, exampleResults) {
  const account = accountOf(model, result, l, i), name = nameOf(model, account);
  const {layer, here, inputs, hidden, pixels, turned} = account;
  const bit = account.bit ? "fires (1)" : "is silent (0)";
  element("neuron-title").textContent = hidden ? `${name} ${bit}` : name;

  const room = Math.min(308, document.body.clientWidth - 66), dense = shape[0] * shape[1] === 1;
  const grid = !dense ? gridOf(shape, room, room)
    : isNarrow() ? gridOf(shape, room, 0.8 * room) : gridOf(shape, 0.7 * room, 1.25 * room);
  const pen = penOf(element("inputs"), grid.width, grid.height);
  drawCells(pen, grid, here.x, pixels ? 255 : 1);
  drawMarks(pen, grid, here.x, inputs, turned);
  if (account.convolution) drawWindow(pen, grid, layer, here.places[i]);
  const what = l ? `the bits of layer ${l}` : "the picture";
  element("inputs").setAttribute("aria-label", `${account.K} ones of ${name} over ${what}`);
  const [full, hollow] = turned ? ["\u25c6", "\u25c7"] : ["\u25cf", "\u25cb"];
  element("legend").textContent =
    `${full} ${hollow} its ones, over ${what}: ${full} where the input is ` +
    `${pixels ? "above 0" : "1"}, ${hollow} where it is 0`;
  element("neuron-text").textContent = wordsOf(account);
  writeAccount(account);
  drawSums(account, exampleResults);
  element("exactly").textContent = exactWords(account);
  element("exact").hidden = !layer.centre;
}

function wordsOf(account) {
  const {layer, K, hidden, pixels, ink, turned, live, threshold} = account;
  const count = pixels ? `the pixels there; ${number(live)} have ${ink} now`
    : `the bits there; ${number(live)} are 1 now`;
  let words = `${number(K)} of its ${number(layer.D)} weights are 1. It adds ${count}.`;
  if (account.convolution) {
    words += " It has the same weights at every place; the frame shows what it sees at this one.";
  }
  if (layer.pool > 1) {
    words += ` Of ${layer.pool} \u00d7 ${layer.pool} places side by side, the one with the ` +
      "largest sum counts.";
  }
  if (layer.centre) {
    const total = pixels ? `total ${ink}` : "number of all bits that are 1";
    words += ` It subtracts ${layer.centre}/64 of the ${total}` +
      `${account.convolution ? " in the frame" : ""}, about what a random neuron would see, ` +
      `so that more ${pixels ? `${ink} alone does` : "ones alone do"} not raise the sum ` +
      "on average.";
  }
  if (!hidden) return words + " The class with the largest score is the answer.";
  if (account.fixed) return words + " No input can change its bit.";
  words += ` It fires when the sum is ${turned ? "below" : "at or above"} its threshold.`;
  return threshold < 0 ? words + " As sums can be below 0, so can thresholds." : words;
}

// The sum and what it is compared with, a row for each step.
function writeAccount(account) {
  const {layer, m, Z, z, total, hidden, pixels, ink, turned} = account, rows = [];
  rows.push([pixels ? `${ink} at its ones` : "ones that meet a 1", number(z)]);
  if (layer.centre) {
    const all = pixels ? `the total ${ink}, ${number(total)}`
      : `the ${number(total)} bits that are 1`;
    rows.push([`less ${layer.centre}/64 of ${all}`, number(0 - layer.centre * total / 64)]);
    rows.push(["sum", number(Z / 64), "total"]);
  }
  const side = turned ? "against" : "for";
  if (hidden) {
    rows.push(["threshold", number(account.threshold / layer.unit)]);
    rows.push(["direction", turned ? "\u25c6 fires below" : "\u25cf fires at or above", side]);
  } else {
    rows.push([`times its factor: the ones argue ${side} it`,
               `${turned ? "\u25c6" : "\u25cf"} ${number(layer.factor[m], 4)}`, side]);
    rows.push(["plus its offset: the score where the sum is 0", number(layer.offset[m], 4)]);
    rows.push(["score", number(account.score), "total"]);
  }
  const body = element("account").tBodies[0];
  body.textContent = "";
  for (const [what, value, style] of rows) {
    const row = add(body, "tr", "", style);
    add(row, "td", what);
    add(row, "td", value);
  }
}

// The sum in the whole numbers that are really compared; without a centre, the sum is one already.
function exactWords({layer, Z, z, total, hidden, threshold, turned, bit}) {
  const sum = `Sums are kept in 64ths so that they are exact: 64 \u00d7 ${number(z)} \u2212 ` +
    `${layer.centre} \u00d7 ${number(total)} = ${number(Z)}.`;
  if (!layer.centre || !hidden) return layer.centre ? sum : "";
  return `${sum} This is ${Z >= threshold ? "at or above" : "below"} the threshold of ` +
    `${number(threshold)}, and the neuron fires ${turned ? "below" : "at or above"} it: ` +
    `the bit is ${bit}.`;
}

// The sums on a line: the threshold in the middle, the side where the neuron fires shaded, the sums
// of the test images by their names, and below the line a scale and the sum of now.
function drawSums(account, exampleResults) {
  const svg = element("line"), {l, i, layer, Z, hidden, turned} = account;
  svg.textContent = "";
  svg.style.display = hidden ? "block" : "none";
  if (!hidden) return;
  const width = svg.clientWidth || 400, middle = width / 2, top = 18, base = 88;
  const T = account.threshold;
  svg.setAttribute("viewBox", `0 0 ${width} 140`);
  svg.setAttribute("aria-label", `Sum ${number(Z / layer.unit)} and threshold ` +
    `${number(T / layer.unit)} on a line`);
  const sums = exampleResults.map(({label, result}) => [label, result.layers[l].sums[i]]);
  const reach = Math.max(layer.unit, ...sums.map(([, sum]) => Math.abs(sum - T)));
  const at = sum => {
    const part = Math.max(-1, Math.min(1, (sum - T) / reach));
    return middle + part * (middle - 16);
  };
  const [fires, silent] = turned ? [4, width - 4] : [width - 4, 4];
  const write = (x, y, text, attributes = {}) => addSvg(svg, "text", {
    x, y, "text-anchor": x === 4 ? "start" : x === width - 4 ? "end" : "middle", ...attributes,
  }, text);
  addSvg(svg, "rect", {
    x: turned ? 0 : middle, y: top, width: middle, height: base - top, fill: colour("shade"),
  });
  addSvg(svg, "line", {x1: 0, x2: width, y1: base, y2: base, stroke: colour("soft")});
  addSvg(svg, "line", {
    x1: middle, x2: middle, y1: top, y2: base + 6, stroke: colour("ink"), "stroke-width": 2,
  });
  write(middle, 12, `threshold ${number(T / layer.unit)}`);
  write(fires, 12, turned ? "\u25c6 fires" : "fires \u25cf", {
    "font-weight": 650, class: turned ? "against" : "for",
  });
  write(silent, 12, "silent", {class: "soft"});
  const lanes = [];                                     // the last place that each lane has used
  for (const [label, sum] of sums.sort((a, b) => a[1] - b[1])) {
    const x = at(sum);
    let lane = lanes.findIndex(end => x - end > 6 + 5 * label.length);
    if (lane < 0) lane = Math.min(lanes.length, 4);
    lanes[lane] = x;
    write(x, base - 6 - 13 * lane, label, {class: "over"});
  }
  const x = at(Z);
  for (const tick of ticksOf((T - reach) / layer.unit, (T + reach) / layer.unit)) {
    const u = at(tick * layer.unit);
    addSvg(svg, "line", {x1: u, x2: u, y1: base, y2: base + 4, stroke: colour("soft")});
    if (Math.abs(u - x) > 30) write(u, base + 17, number(tick), {class: "soft"});
  }
  const told = `sum ${number(Z / layer.unit)}`, half = 4 * told.length;
  addSvg(svg, "path", {d: `M ${x} ${base + 2} l 7 13 h -14 z`, fill: colour("mark")});
  write(Math.max(half, Math.min(width - half, x)), base + 30, told, {"font-weight": 650});
  if (!sums.length) return;
  write(4, base + 48, "above the line: the test images, each at its sum", {class: "soft"});
}

// Three to seven round numbers from `low` to `high`.
function ticksOf(low, high) {
  const power = 10 ** Math.floor(Math.log10((high - low) / 3));
  const step = [5, 2, 1].find(times => 3 * times * power <= high - low) * power, ticks = [];
  for (let tick = Math.ceil(low / step); tick * step <= high; tick++) ticks.push(tick * step);
  return ticks;
}
