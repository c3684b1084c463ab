"use strict";
// Runs the network: additions of whole numbers, one comparison for each hidden neuron, and one
// multiplication for each class. sbnn_np/engines/loops.py specifies it. The scores are those of
// Python to the last bit: sums are whole numbers below 2^24, which are exact in any arithmetic, and
// Math.fround rounds to float32 where Python does.

// What a network makes of pixels (whole numbers from 0 to 255): the layers' inputs, sums and bits,
// the scores, and the number of additions, counted one by one as they are done.
function forward(model, pixels) {
  let x = model.binarize === null ? pixels : pixels.map(pixel => pixel > model.binarize ? 1 : 0);
  const result = {layers: [], scores: null, adds: 0};
  for (const layer of model.layers) {
    const {sums, total, adds} = sumsOf(layer, x);
    const here = {x, sums, total, adds};
    result.layers.push(here);
    result.adds += adds;
    if (layer.threshold) x = here.bits = bitsOf(layer, sums);
    else result.scores = here.scores = scoresOf(layer, sums);
  }
  return result;
}

// Z of each neuron. z is the sum of the inputs whose weight is 1; Z = z, or 64 z - c total in a
// centred layer of centre c / 64, where total is the sum of all inputs.
function sumsOf(layer, x) {
  const sums = new Int32Array(layer.M);
  let adds = 0, total = 0;
  for (let m = 0; m < layer.M; m++) {
    const ones = layer.ones[m];
    let z = ones.length ? x[ones[0]] : 0;
    for (let k = 1; k < ones.length; k++) {
      z += x[ones[k]];
      adds++;
    }
    sums[m] = z;
  }
  if (layer.centre) {
    total = x[0];
    for (let d = 1; d < layer.D; d++) {
      total += x[d];
      adds++;
    }
    for (let m = 0; m < layer.M; m++) {
      sums[m] = 64 * sums[m] - layer.centre * total;
      adds++;
    }
  }
  return {sums, total, adds};
}

// bit = [Z >= threshold] xor flip
function bitsOf(layer, sums) {
  const bits = new Uint8Array(layer.M);
  for (let m = 0; m < layer.M; m++) {
    bits[m] = (sums[m] >= layer.threshold[m] ? 1 : 0) ^ layer.flip[m];
  }
  return bits;
}

// score = factor * sum + offset, each step rounded to float32. Z / 64 is exact.
function scoresOf(layer, sums) {
  const scores = new Float32Array(layer.M);
  for (let m = 0; m < layer.M; m++) {
    const product = Math.fround(Math.fround(sums[m] / layer.unit) * layer.factor[m]);
    scores[m] = Math.fround(product + layer.offset[m]);
  }
  return scores;
}

// The class of the largest score, the first of equal ones.
function best(scores) {
  return scores.indexOf(Math.max(...scores));
}

// The additions of the same layers if no weight were 0: D inputs take D - 1 for each neuron.
function fullAdds(model) {
  return model.layers.reduce((sum, layer) => sum + layer.M * (layer.D - 1), 0);
}

// The bytes of the same network as float32 numbers, with one bias for each neuron.
function float32Bytes(model) {
  return model.layers.reduce((sum, layer) => sum + 4 * (layer.M * layer.D + layer.M), 0);
}
