"use strict";
// Runs the network: additions of whole numbers, one comparison for each hidden neuron, and one
// multiplication for each class. sbnn_np/engines/loops.py specifies it. The scores are those of
// Python to the last bit: sums are whole numbers below 2^24, which are exact in any arithmetic, and
// Math.fround rounds to float32 where Python does.

// What a network makes of pixels (whole numbers from 0 to 255): for each layer its inputs x, its
// sums and bits; the scores; and the number of additions, counted one by one as they are done.
// Numbers of an image are in the order rows, columns, channels: the channel changes first.
function forward(model, pixels) {
  let x = model.binarize === null ? pixels : pixels.map(pixel => pixel > model.binarize ? 1 : 0);
  const result = {layers: [], scores: null, adds: 0};
  for (const layer of model.layers) {
    const here = sumsOf(layer, x);
    result.layers.push(here);
    result.adds += here.adds;
    if (layer.threshold) x = here.bits = bitsOf(layer, here.sums);
    else result.scores = here.scores = scoresOf(layer, here.sums);
  }
  return result;
}

// The sums of each neuron at each place. Of each square of pool x pool places, the largest counts:
// `sums` holds that, `places` says where it was, and `totals` what all inputs there add up to.
function sumsOf(layer, x) {
  const {OH, OW, M, pool, out: [H, W]} = layer, n = H * W * M;
  const here = {
    x, sums: new Int32Array(n).fill(-(2 ** 31)), places: new Int32Array(n),
    totals: new Int32Array(n), adds: 0,
  };
  for (let place = 0; place < OH * OW; place++) {
    const {sums, total, adds} = placeSums(layer, windowOf(layer, place).map(d => x[d] || 0));
    here.adds += adds;
    const h = Math.floor(place / OW / pool), w = Math.floor(place % OW / pool);
    if (h >= H || w >= W) continue;                     // left over at the edge
    for (let m = 0; m < M; m++) {
      const i = (h * W + w) * M + m;
      if (sums[m] <= here.sums[i]) continue;
      here.sums[i] = sums[m];
      here.places[i] = place;
      here.totals[i] = total;
    }
  }
  return here;
}

// Which inputs the neurons see at a place: their numbers, or -1 where padding adds a 0.
function windowOf(layer, place) {
  const {KH, KW, H, W, C, stride, padding, OW} = layer, seen = [];
  const top = Math.floor(place / OW) * stride - padding, left = place % OW * stride - padding;
  for (let h = top; h < top + KH; h++) {
    for (let w = left; w < left + KW; w++) {
      const inside = h >= 0 && h < H && w >= 0 && w < W;
      for (let c = 0; c < C; c++) seen.push(inside ? (h * W + w) * C + c : -1);
    }
  }
  return seen;
}

// Z of each neuron at one place, where x are the D inputs. z is the sum of the inputs whose weight
// is 1; Z = z, or 64 z - c total in a layer of centre c / 64, where total is the sum of all inputs.
function placeSums(layer, x) {
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

// bit = [Z >= threshold] xor flip; the neuron of bit i is i % M.
function bitsOf(layer, sums) {
  return Uint8Array.from(sums, (Z, i) => (
    (Z >= layer.threshold[i % layer.M] ? 1 : 0) ^ layer.flip[i % layer.M]
  ));
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
  return model.layers.reduce((sum, layer) => (
    sum + layer.OH * layer.OW * layer.M * (layer.D - 1)
  ), 0);
}

// What the additions of one picture are made of. A neuron's first one is no addition. In a layer
// with a centre, all inputs are added up once, and each neuron subtracts its part of that total.
function partsOfAdds(model) {
  const parts = {ones: 0, firsts: 0, totals: 0, subtractions: 0};
  for (const {OH, OW, M, D, ones, centre} of model.layers) {
    parts.ones += OH * OW * ones.reduce((sum, each) => sum + each.length, 0);
    parts.firsts += OH * OW * ones.filter(each => each.length).length;
    if (!centre) continue;
    parts.totals += OH * OW * (D - 1);
    parts.subtractions += OH * OW * M;
  }
  return parts;
}

// The bytes of the same network as float32 numbers, with one bias for each neuron.
function float32Bytes(model) {
  return model.layers.reduce((sum, layer) => sum + 4 * (layer.M * layer.D + layer.M), 0);
}
