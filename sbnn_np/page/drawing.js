"use strict";
// What all views share: colours of the style sheet, sharp canvases, grids of cells, and marks.

const element = id => document.getElementById(id);
const number = (value, digits = 2) => (                             // 1,234 or \u22120.5
  value.toLocaleString("en-US", {maximumFractionDigits: digits}).replace("-", "\u2212")
);
const percent = part => (100 * part).toFixed(100 * part < 9.95 ? 2 : 1) + "%";

const a = name => (/^[8aeiou]/i.test(name) ? "an " : "a ") + name;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

// A new element with text in it, at the end of a parent.
function add(parent, tag, text = "", className = "") {
  const made = parent.appendChild(document.createElement(tag));
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

// A new element of an SVG picture: its attributes, and text in it.
function addSvg(parent, tag, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return parent.appendChild(made);
}

const isNarrow = () => matchMedia("(max-width: 760px)").matches;        // as in page.css

const MARGIN = 3;                       // around the cells of a canvas, for rings and marks

// Give a canvas its size in pixels of the style sheet, with a margin around it, and return a pen
// that draws in these pixels; the canvas has as many points as the screen can show.
function penOf(canvas, width, height, margin = MARGIN) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round((width + 2 * margin) * ratio);
  canvas.height = Math.round((height + 2 * margin) * ratio);
  canvas.style.width = width + 2 * margin + "px";
  canvas.style.height = height + 2 * margin + "px";
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.translate(margin, margin);
  return pen;
}

// How the numbers of a layer are laid out in a width x height: a map of H x W cells for each of C
// channels, and a gap between maps. The maps of a dense layer are single cells, without gaps, in
// about twice as many rows as columns, or, where there is more width, half as many.
function gridOf([H, W, C], width, height) {
  const gap = H * W > 1 ? 1 : 0, ratio = gap ? width / height : width > height ? 2 : 0.5;
  const tiles = Math.max(1, Math.round(Math.sqrt(C * ratio * (H + gap) / (W + gap))));
  const columns = tiles * (W + gap) - gap, rows = Math.ceil(C / tiles) * (H + gap) - gap;
  const cell = Math.max(2, Math.min(16, Math.floor(Math.min(width / columns, height / rows))));
  return {H, W, C, gap, tiles, columns, rows, cell, width: columns * cell, height: rows * cell};
}

// Where cell i is, in pixels.
function placeOf({H, W, C, gap, tiles, cell}, i) {
  const c = i % C, place = Math.floor(i / C);
  const column = c % tiles * (W + gap) + place % W;
  const row = Math.floor(c / tiles) * (H + gap) + Math.floor(place / W);
  return [column * cell, row * cell];
}

// The cell at a column and row, or -1 in a gap or outside.
function cellAt({H, W, C, gap, tiles, columns, rows}, column, row) {
  const w = column % (W + gap), h = row % (H + gap);
  const c = Math.floor(row / (H + gap)) * tiles + Math.floor(column / (W + gap));
  const inside = column >= 0 && column < columns && row >= 0 && row < rows && w < W && h < H;
  return inside && c < C ? (h * W + w) * C + c : -1;
}

// Values from 0 to `largest` as cells. Bits are a square for 1 and a dot for 0 (in maps, which are
// pictures again, without gaps and dots); pixels are grey.
function drawCells(pen, grid, values, largest) {
  const {cell} = grid, ink = colour("ink"), faint = colour("faint");
  values.forEach((value, i) => {
    const [x, y] = placeOf(grid, i);
    if (largest > 1) {
      pen.globalAlpha = value / largest;
      pen.fillStyle = ink;
      pen.fillRect(x, y, cell, cell);
    } else if (value) {
      const size = grid.gap ? cell : cell - 1;
      pen.fillStyle = ink;
      pen.fillRect(x + (cell - size) / 2, y + (cell - size) / 2, size, size);
    } else if (!grid.gap) {
      const dot = Math.max(1, Math.round(cell / 5));
      pen.fillStyle = faint;
      pen.fillRect(x + (cell - dot) / 2, y + (cell - dot) / 2, dot, dot);
    }
  });
  pen.globalAlpha = 1;
}

// Marks on the inputs of a neuron whose weight is 1: filled where the input is above 0, hollow
// where it is 0. They are round, or diamonds for a neuron that is turned round.
function drawMarks(pen, grid, values, ones, turned) {
  const {cell} = grid, radius = Math.max(2, cell * (turned ? 0.48 : 0.4));
  const paper = colour("card"), mark = colour(turned ? "against" : "for");
  for (const i of ones) {
    const [x, y] = placeOf(grid, i), u = x + cell / 2, v = y + cell / 2;
    pen.beginPath();
    if (turned) {
      pen.moveTo(u, v - radius);
      pen.lineTo(u + radius, v);
      pen.lineTo(u, v + radius);
      pen.lineTo(u - radius, v);
      pen.closePath();
    } else {
      pen.arc(u, v, radius, 0, 7);
    }
    pen.lineWidth = values[i] ? 2.5 : 3;
    pen.strokeStyle = paper;
    pen.stroke();
    pen.fillStyle = values[i] ? mark : paper;
    pen.fill();
    pen.lineWidth = Math.max(1, cell / 8);
    pen.strokeStyle = mark;
    pen.stroke();
  }
}

// A frame around the window that a neuron of a convolution sees, on each map of its inputs.
function drawWindow(pen, grid, layer, place) {
  const {cell, H, W, C} = grid, {KH, KW, stride, padding, OW} = layer;
  if (KH * KW === 1 && H * W === 1) return;
  const top = Math.floor(place / OW) * stride - padding, left = place % OW * stride - padding;
  const [h, w] = [Math.max(0, top), Math.max(0, left)];
  pen.strokeStyle = colour("mark");
  pen.lineWidth = 1;
  for (let c = 0; c < C; c++) {
    const [x, y] = placeOf(grid, (h * W + w) * C + c);
    pen.strokeRect(x - 0.5, y - 0.5, (Math.min(W, left + KW) - w) * cell + 1,
                   (Math.min(H, top + KH) - h) * cell + 1);
  }
}

// A ring around one cell.
function drawRing(pen, grid, i) {
  const [x, y] = placeOf(grid, i), {cell} = grid;
  for (const [name, width] of [["paper", 5], ["mark", 2.5]]) {
    pen.strokeStyle = colour(name);
    pen.lineWidth = width;
    pen.strokeRect(x - 1, y - 1, cell + 2, cell + 2);
  }
}

// One value of 0 or 1 for each pixel, or one of 0 to 255, as a canvas of side x side points, which
// the style sheet enlarges. Ink has the colour of the text.
function drawSmall(canvas, values, side, largest) {
  canvas.width = canvas.height = side;
  const pen = canvas.getContext("2d"), image = pen.createImageData(side, side);
  const ink = getComputedStyle(document.body).color.match(/\d+/g).map(Number);
  values.forEach((value, i) => {
    image.data.set([ink[0], ink[1], ink[2], 255 * value / largest], 4 * i);
  });
  pen.putImageData(image, 0, 0);
}
