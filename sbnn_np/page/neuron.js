"use strict";
// The panel of one neuron: its ones over its inputs, its sum beside its threshold, its direction.

const rounded = value => value.toLocaleString("en-US", {maximumFractionDigits: 2});

// What the panel says of a neuron, in words and numbers.
function accountOf(model, result, l, m) {
  const layer = model.layers[l], here = result.layers[l], ones = layer.ones[m];
  const Z = here.sums[m], total = here.total;
  const z = (Z + layer.centre * total) / layer.unit;              // the sum before the centre
  const hidden = Boolean(layer.threshold), pixels = l === 0 && model.binarize === null;
  const account = {
    layer, here, ones, Z, z, total, hidden, pixels,
    live: ones.filter(d => here.x[d]).length,
    turned: hidden ? Boolean(layer.flip[m]) : false,
  };
  if (hidden) {
    account.bit = here.bits[m];
    account.threshold = layer.threshold[m];
    const [low, high] = rangeOf(layer, ones.length, pixels ? 255 : 1);
    account.fixed = account.threshold <= low || account.threshold > high;
  } else {
    account.score = here.scores[m];
  }
  return account;
}

// The smallest and the largest sum that a neuron with K ones can have.
function rangeOf(layer, K, largest) {
  return [
    -layer.centre * largest * (layer.D - K), (layer.unit - layer.centre) * largest * K,
  ];
}

function drawNeuron(model, result, chosen, side, exampleResults) {
  const {l, m} = chosen, account = accountOf(model, result, l, m);
  const {layer, here, ones, hidden, pixels, turned} = account;
  const name = hidden ? `Neuron ${m + 1} of layer ${l + 1}` : `Class ${model.classes[m]}`;
  const state = account.bit ? "fires (1)" : "is silent (0)";
  element("neuron-title").textContent = hidden ? `${name} ${state}` : name;

  const room = Math.min(308, document.body.clientWidth - 66);
  const grid = l ? gridOf(layer.D, 0.7 * room, 1.25 * room) : gridOf(layer.D, room, room, side);
  const pen = penOf(element("inputs"), grid.width, grid.height);
  drawCells(pen, grid, here.x, pixels ? 255 : 1);
  drawMarks(pen, grid, here.x, ones, turned);
  const what = l ? `the bits of layer ${l}` : "the picture";
  element("inputs").setAttribute("aria-label", `${ones.length} ones of ${name} over ${what}`);
  const [full, hollow] = turned ? ["\u25c6", "\u25c7"] : ["\u25cf", "\u25cb"];
  element("legend").textContent =
    `${full} ${hollow} its ones, over ${what}: ${full} where the input is ` +
    `${pixels ? "above 0" : "1"}, ${hollow} where it is 0`;
  element("neuron-text").textContent = wordsOf(account);
  writeAccount(account);
  drawSums(account, model, exampleResults, l, m);
  element("exactly").textContent = exactWords(account, m);
}

function wordsOf(account) {
  const {layer, ones, hidden, pixels, turned, live} = account;
  const inputs = pixels ? "pixels" : "bits";
  const adds = `It has ${number(ones.length)} ones. It adds the ${inputs} at its ones, of which ` +
    `${live} ${live === 1 ? "is" : "are"} not 0 now, and leaves out the other ` +
    `${number(layer.D - ones.length)}.`;
  if (!hidden) return adds + " The class with the largest score is the answer.";
  if (account.fixed) return adds + " No input can change its bit.";
  return adds + (turned
    ? " Its direction is turned round: it fires while the sum stays below its threshold."
    : " It fires when the sum reaches its threshold.");
}

// The sum and what it is compared with, a row for each step.
function writeAccount(account) {
  const {layer, Z, z, total, hidden, pixels} = account, rows = [];
  rows.push([pixels ? "ink at its ones" : "ones that meet a 1", rounded(z)]);
  if (layer.centre) {
    const all = pixels ? "all ink" : "all bits that are 1";
    rows.push([`less ${layer.centre}/64 of ${all}, ${number(total)}`,
               "\u2212" + rounded(layer.centre * total / 64)]);
    rows.push(["sum", rounded(Z / 64)]);
  }
  if (hidden) {
    const sign = account.turned ? "fires if below" : "fires from";
    rows.push([`threshold (${sign})`, rounded(account.threshold / layer.unit)]);
  } else {
    rows.push(["score", rounded(account.score)]);
  }
  const body = element("account").tBodies[0];
  body.textContent = "";
  for (const [what, value] of rows) {
    const row = add(body, "tr", "", what === "sum" ? "total" : "");
    add(row, "td", what);
    add(row, "td", value);
  }
}

// The comparison in the whole numbers that are really compared.
function exactWords(account, m) {
  const {layer, Z, z, total, hidden, threshold} = account;
  const sum = layer.centre
    ? `64 \u00d7 ${number(z)} \u2212 ${layer.centre} \u00d7 ${number(total)} = ${number(Z)}`
    : number(Z);
  if (!hidden) {
    const factor = layer.factor[m].toPrecision(4), offset = layer.offset[m].toPrecision(4);
    return `Sum: ${sum}${layer.centre ? ", in 64ths" : ""}. ` +
      `Score = ${factor} \u00d7 sum + ${offset}, in float32.`;
  }
  const reached = Z >= threshold, bit = account.bit;
  return `In whole numbers: ${sum}, ${reached ? "at least" : "below"} ${number(threshold)}` +
    `${account.turned ? "; turned round" : ""}: the bit is ${bit}.`;
}

// The sums on a line: the threshold in the middle, the side where the neuron fires shaded, the sums
// of the test images by their names, and the sum of now below the line.
function drawSums(account, model, exampleResults, l, m) {
  const svg = element("line"), {layer, Z, hidden, turned} = account;
  svg.textContent = "";
  svg.style.display = hidden ? "block" : "none";
  if (!hidden) return;
  const width = svg.clientWidth || 400, middle = width / 2, base = 66, T = account.threshold;
  svg.setAttribute("viewBox", `0 0 ${width} 118`);
  svg.setAttribute("aria-label", `Sum ${rounded(Z / layer.unit)} and threshold ` +
    `${rounded(T / layer.unit)} on a line`);
  const sums = exampleResults.map(({name, result}) => [name, result.layers[l].sums[m]]);
  const reach = Math.max(layer.unit, ...sums.map(([, sum]) => Math.abs(sum - T)));
  const at = sum => {
    const part = Math.max(-1, Math.min(1, (sum - T) / reach));
    return middle + part * (middle - 16);
  };
  addSvg(svg, "rect", {
    x: turned ? 0 : middle, y: 18, width: middle, height: base - 18, fill: colour("shade"),
  });
  addSvg(svg, "text", {
    x: turned ? 4 : width - 4, y: 12, "text-anchor": turned ? "start" : "end", class: "soft",
  }, turned ? "\u25c6 fires below" : "fires from here on \u25cf");
  addSvg(svg, "line", {x1: 0, x2: width, y1: base, y2: base, stroke: colour("soft")});
  addSvg(svg, "line", {
    x1: middle, x2: middle, y1: 18, y2: base + 6, stroke: colour("ink"), "stroke-width": 2,
  });
  addSvg(svg, "text", {x: middle, y: 12, "text-anchor": "middle"}, "threshold");
  const lanes = [];                                     // the last place that each lane has used
  for (const [name, sum] of sums.sort((a, b) => a[1] - b[1])) {
    const x = at(sum);
    let lane = lanes.findIndex(end => x - end > 9 + 3 * name.length);
    if (lane < 0) lane = Math.min(lanes.length, 3);
    lanes[lane] = x;
    addSvg(svg, "text", {x, y: base - 5 - 11 * lane, "text-anchor": "middle", class: "soft"}, name);
  }
  const x = at(Z), mark = colour("mark");
  addSvg(svg, "path", {d: `M ${x} ${base + 2} l 7 13 h -14 z`, fill: mark});
  addSvg(svg, "text", {
    x: Math.max(30, Math.min(width - 30, x)), y: base + 30, "text-anchor": "middle",
    "font-weight": 650,
  }, `sum ${rounded(Z / layer.unit)}`);
  if (sums.length) {
    addSvg(svg, "text", {x: 0, y: base + 48, class: "soft"},
           "above the line: the sums of the test images");
  }
}
