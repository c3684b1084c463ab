"use strict";
// What all views share: colours of the style sheet, sharp canvases, grids of cells, and marks.

const element = id => document.getElementById(id);
const number = (value, digits = 2) => (                             // 1,234 or \u22120.5
  value.toLocaleString("en-US", {maximumFractionDigits: digits}).replace("-", "\u2212")
);
const percent = part => (100 * part).toFixed(100 * part < 9.95 ? 2 : 1) + "%";

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

// How many columns and rows n cells take, and the size of a cell, in a width x height. A picture
// has its own number of columns; other cells have about twice as many rows as columns, or, where
// the screen is narrow, twice as many columns as rows.
function gridOf(n, width, height, columns = 0) {
  const narrow = width > height;
  columns = columns || Math.max(1, Math.round(Math.sqrt(narrow ? 2 * n : n / 2)));
  const rows = Math.ceil(n / columns);
  const cell = Math.max(2, Math.min(16, Math.floor(Math.min(width / columns, height / rows))));
  return {n, columns, rows, cell, width: columns * cell, height: rows * cell};
}

const placeOf = (grid, i) => [
  i % grid.columns * grid.cell, Math.floor(i / grid.columns) * grid.cell,
];

// Values from 0 to `largest` as cells. Bits are a square for 1 and a dot for 0; pixels are grey.
function drawCells(pen, grid, values, largest) {
  const {cell} = grid, ink = colour("ink"), faint = colour("faint");
  values.forEach((value, i) => {
    const [x, y] = placeOf(grid, i);
    if (largest > 1) {
      pen.globalAlpha = value / largest;
      pen.fillStyle = ink;
      pen.fillRect(x, y, cell, cell);
    } else if (value) {
      pen.fillStyle = ink;
      pen.fillRect(x + 0.5, y + 0.5, cell - 1, cell - 1);
    } else {
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
