"use strict";
// Reads the model file that this page holds. sbnn_np/bits/storage.py describes its bytes, and
// sbnn_np/bits/rans.py the code of its weights. Python has checked the file before it made the
// page, so nothing is checked here.

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
}

// The network of a file (a Uint8Array): shape of an image, classes, binarize, ground, and layers.
// A layer has M neurons of D inputs, the centre in 64ths, and for each neuron `ones`: the numbers
// of the inputs whose weight is 1. Hidden layers have thresholds and flips, the last one has
// factors and offsets. A convolution asks its M neurons at each place of a window, and keeps one
// bit of each square of pool x pool places. A dense layer has one place, at which it sees all.
function readModel(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  let position = 6;                                     // behind "SBNN" and the version
  function section() {                                  // a uint32 n, then n bytes
    const n = view.getUint32(position, true);
    position += 4 + n;
    return file.subarray(position - n, position);
  }
  const model = JSON.parse(new TextDecoder().decode(section()));
  let shape = model.shape;                              // height, width and channels, or a number
  model.layers = model.blocks.map((block, i) => {
    const {neurons: M, centre, kernel, stride, padding, pool} = block;
    if (!kernel) shape = [1, 1, shape.reduce((product, size) => product * size)];
    const [KH, KW] = kernel || [1, 1], [H, W, C] = shape;
    const size = (length, window) => Math.floor((length + 2 * padding - window) / stride) + 1;
    const OH = size(H, KH), OW = size(W, KW);
    const layer = {M, centre, KH, KW, stride, padding, pool, H, W, C, OH, OW, D: KH * KW * C};
    layer.unit = centre ? 64 : 1;                       // sums of a centred layer are in 64ths
    layer.out = [Math.floor(OH / pool), Math.floor(OW / pool), M];
    layer.ones = onesOf(readBits(section(), M * layer.D), layer.D);
    if (i < model.blocks.length - 1) {
      layer.flip = plainBits(section(), M);
      layer.threshold = readThresholds(section(), M);
    } else {
      const scores = section();
      layer.factor = readFloats(scores, 0, M);
      layer.offset = readFloats(scores, 4 * M, M);
    }
    shape = layer.out;
    return layer;
  });
  return model;
}

// From bits, neuron by neuron, to a list of the ones of each neuron.
function onesOf(bits, D) {
  const ones = [];
  for (let start = 0; start < bits.length; start += D) {
    const found = [];
    for (let d = 0; d < D; d++) if (bits[start + d]) found.push(d);
    ones.push(found);
  }
  return ones;
}

// n bits, eight to a byte, the first one in the lowest place.
function plainBits(bytes, n) {
  const bits = new Uint8Array(n);
  for (let i = 0; i < n; i++) bits[i] = bytes[i >> 3] >> (i & 7) & 1;
  return bits;
}

// The smallest threshold, a number b, and for each threshold b bits, the highest bit first: how far
// it is above the smallest.
function readThresholds(bytes, M) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const smallest = view.getInt32(0, true), width = bytes[4];
  const bits = plainBits(bytes.subarray(5), M * width);
  return Int32Array.from({length: M}, (_, m) => {
    let above = 0;
    for (let i = 0; i < width; i++) above = 2 * above + bits[m * width + i];
    return smallest + above;
  });
}

function readFloats(bytes, start, n) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float32Array.from({length: n}, (_, i) => view.getFloat32(start + 4 * i, true));
}

// The n weights of a layer: plain bits, or the gaps between ones, coded by rANS.
function readBits(coded, n) {
  if (coded[0] === 0) return plainBits(coded.subarray(1), n);
  const view = new DataView(coded.buffer, coded.byteOffset, coded.length);
  const K = view.getUint32(1, true), T = view.getUint32(5, true);    // numbers of ones, of symbols
  const inverted = 2 * K > n ? 1 : 0;                   // then the zeros were coded as the ones
  const bits = new Uint8Array(n).fill(inverted);
  const {frequency, firstSlot, symbolOfSlot} = slotsOf(Math.min(K, n - K) / n);
  const L = Math.min(T, Math.max(16, Math.ceil(T / 1024)));          // number of lanes
  const state = Array.from({length: L}, (_, lane) => view.getUint32(9 + 4 * lane, true));
  let next = 9 + 4 * L, place = 0;                      // of the next word, and of the next bit
  for (let t = 0; t < T; t++) {
    const slot = state[t % L] % 65536, symbol = symbolOfSlot[slot];
    let reduced = (state[t % L] - slot) / 65536 * frequency[symbol] + slot - firstSlot[symbol];
    if (reduced < 65536) {
      reduced = 65536 * reduced + view.getUint16(next, true);
      next += 2;
    }
    state[t % L] = reduced;
    place += symbol;                                    // so many zeros, and then
    if (symbol < 255) bits[place++] = 1 - inverted;     // a one, unless the gap goes on
  }
  return bits;
}

// How 65536 slots are divided among the 256 symbols, if a fraction p of the bits is 1. Doubles are
// the same in JavaScript and in Python, so both find the same numbers.
function slotsOf(p) {
  const probability = [];
  let q = 1;
  for (let g = 0; g < 255; g++) {
    probability.push(q * p);
    q *= 1 - p;
  }
  probability.push(q);
  const frequency = probability.map(each => 1 + Math.floor(each * 65280));
  const largest = probability.indexOf(Math.max(...probability));
  frequency[largest] += 65536 - frequency.reduce((sum, each) => sum + each);
  const firstSlot = [], symbolOfSlot = new Uint8Array(65536);
  let slot = 0;
  for (let symbol = 0; symbol < 256; symbol++) {
    firstSlot.push(slot);
    symbolOfSlot.fill(symbol, slot, slot + frequency[symbol]);
    slot += frequency[symbol];
  }
  return {frequency, firstSlot, symbolOfSlot};
}
