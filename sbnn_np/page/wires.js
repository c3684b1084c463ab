"use strict";
// The wires of the chosen neuron: a line from each input whose weight is 1. A line is solid where
// the input is above 0, and broken where it is 0.

function drawWires() {
  const flow = element("flow"), area = flow.getBoundingClientRect();
  const pen = penOf(element("wires"), area.width, area.height, 0), {l, i} = state.chosen;
  const layer = MODEL.layers[l], here = state.result.layers[l];
  const from = l ? element("layers").children[l - 1].children[1] : element("picture");
  const grid = l ? layerGrid(MODEL.layers[l - 1]) : pictureGrid();
  const [u, v] = l < hiddenLayers.length
    ? middleOf(element("layers").children[l].children[1], layerGrid(layer), i, area)
    : besideOf(element("scores").children[i], area);
  if (from.getBoundingClientRect().right - area.left > u) return;     // they are not side by side
  pen.strokeStyle = colour(isTurned(layer, i) ? "against" : "for");
  pen.lineWidth = 1;
  for (const d of inputsOf(layer, here, i)) {
    const [s, t] = middleOf(from, grid, d, area), bend = (u - s) / 2;
    pen.globalAlpha = here.x[d] ? 0.55 : 0.35;
    pen.setLineDash(here.x[d] ? [] : [2, 5]);
    pen.beginPath();
    pen.moveTo(s, t);
    pen.bezierCurveTo(s + bend, t, u - bend, v, u, v);
    pen.stroke();
  }
}

// The middle of a cell of a canvas, and the left end of an element, as places in the area.
function middleOf(canvas, grid, i, area) {
  const box = canvas.getBoundingClientRect(), [x, y] = placeOf(grid, i);
  const inside = MARGIN + grid.cell / 2;
  return [box.left - area.left + x + inside, box.top - area.top + y + inside];
}

function besideOf(row, area) {
  const box = row.getBoundingClientRect();
  return [box.left - area.left, box.top - area.top + box.height / 2];
}
