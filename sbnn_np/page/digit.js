"use strict";
// From a drawing to the picture that the network takes, as MNIST was made. Its digits were scanned
// in black and white, shrunk into a box of 20 x 20 pixels, which made them grey, and laid into
// 28 x 28 pixels with their centre of mass in the middle. All numbers here are whole.

const PAD = 280;                        // the pad has PAD x PAD points, each with ink or without
// Radius of the pen, in points. A digit that fills two thirds of the pad then has about as much ink
// as one of MNIST.
const PEN = 12;

// Ink along the line from (x, y) to (u, v): discs, not more than two points apart.
function drawLine(ink, x, y, u, v) {
  const steps = Math.max(1, Math.ceil(Math.hypot(u - x, v - y) / 2));
  for (let i = 0; i <= steps; i++) {
    drawDisc(ink, Math.round(x + (u - x) * i / steps), Math.round(y + (v - y) * i / steps));
  }
}

function drawDisc(ink, x, y) {
  for (let j = Math.max(0, y - PEN); j <= Math.min(PAD - 1, y + PEN); j++) {
    for (let i = Math.max(0, x - PEN); i <= Math.min(PAD - 1, x + PEN); i++) {
      if ((i - x) * (i - x) + (j - y) * (j - y) <= PEN * PEN) ink[j * PAD + i] = 1;
    }
  }
}

// The smallest square around the ink: {left, top, size}; null without ink.
function squareAround(ink) {
  let left = PAD, right = -1, top = PAD, bottom = -1;
  for (let y = 0; y < PAD; y++) {
    for (let x = 0; x < PAD; x++) {
      if (!ink[y * PAD + x]) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  if (right < 0) return null;
  const width = right - left + 1, height = bottom - top + 1, size = Math.max(width, height);
  return {
    left: left - Math.floor((size - width) / 2), top: top - Math.floor((size - height) / 2), size,
  };
}

// How many of `size` points make up each of n pixels along one axis, and how much of each point: a
// list of [point, part], where a point has n parts and so a pixel has size parts.
function sharesOf(size, n) {
  return Array.from({length: n}, (_, i) => {
    const shares = [], from = size * i, to = size * (i + 1);
    for (let point = Math.floor(from / n); point * n < to; point++) {
      shares.push([point, Math.min(to, (point + 1) * n) - Math.max(from, point * n)]);
    }
    return shares;
  });
}

// The ink in a square as n x n pixels from 0 to 255: each is the part of its area that has ink.
function shrunk(ink, square, n) {
  const {left, top, size} = square, shares = sharesOf(size, n), pixels = new Uint8Array(n * n);
  const inkAt = (x, y) => x >= 0 && x < PAD && y >= 0 && y < PAD ? ink[y * PAD + x] : 0;
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) {
      let area = 0;
      for (const [y, tall] of shares[row]) {
        for (const [x, wide] of shares[column]) area += tall * wide * inkAt(left + x, top + y);
      }
      pixels[row * n + column] = Math.floor((510 * area + size * size) / (2 * size * size));
    }
  }
  return pixels;
}

// How far pixels must move along one axis, so that their centre of mass is at `middle`, to the
// nearest whole pixel. sum is the sum of all pixels, moment that of each times its place.
function shiftTo(middle, moment, sum) {
  return middle - Math.floor((2 * moment + sum) / (2 * sum));
}

// The picture of side x side pixels that MNIST's makers would have made; all 0 without ink.
function pictureOf(ink, side) {
  const picture = new Uint8Array(side * side), square = squareAround(ink);
  if (!square) return picture;
  const n = Math.round(side * 20 / 28), box = shrunk(ink, square, n);
  let sum = 0, across = 0, down = 0;
  box.forEach((pixel, i) => {
    sum += pixel;
    across += pixel * (i % n);
    down += pixel * Math.floor(i / n);
  });
  const middle = Math.floor(side / 2);
  const right = shiftTo(middle, across, sum), lower = shiftTo(middle, down, sum);
  box.forEach((pixel, i) => {
    const x = i % n + right, y = Math.floor(i / n) + lower;
    if (x >= 0 && x < side && y >= 0 && y < side) picture[y * side + x] = pixel;
  });
  return picture;
}
