"use strict";
// The wires of the chosen neuron: a line from each input whose weight is 1. A line is solid where
// the input is above 0, and broken where it is 0. It comes from the left, or, on a narrow screen,
// from above; then it enters the row of a class at the right end, past the other rows.

function drawWires() {
  const flow = element("flow"), area = flow.getBoundingClientRect();
  const pen = penOf(element("wires"), area.width, area.height, 0), {l, i} = state.chosen;
  const layer = MODEL.layers[l], here = state.result.layers[l];
  const from = l ? element("layers").children[l - 1].children[1] : element("picture");
  const grid = l ? layerGrid(MODEL.layers[l - 1]) : pictureGrid();
  const to = l < hiddenLayers.length ? element("layers").children[l].children[1]
    : element("scores").children[i];
  const box = to.getBoundingClientRect();
  const beside = from.getBoundingClientRect().right <= box.left;
  const [u, v] = l < hiddenLayers.length ? middleOf(to, layerGrid(layer), i, area)
    : [(beside ? box.left : box.right) - area.left, box.top - area.top + box.height / 2];
  pen.strokeStyle = colour(isTurned(layer, i) ? "against" : "for");
  pen.lineWidth = 1;
  for (const d of inputsOf(layer, here, i)) {
    const [s, t] = middleOf(from, grid, d, area), x = (s + u) / 2, y = (t + v) / 2;
    pen.globalAlpha = here.x[d] ? 0.55 : 0.35;
    pen.setLineDash(here.x[d] ? [] : [2, 5]);
    pen.beginPath();
    pen.moveTo(s, t);
    if (beside) pen.bezierCurveTo(x, t, x, v, u, v);
    else if (l < hiddenLayers.length) pen.bezierCurveTo(s, y, u, y, u, v);
    else pen.bezierCurveTo(u + 34, t, u + 34, v, u, v);
    pen.stroke();
  }
}

// The middle of a cell of a canvas, as a place in the area.
function middleOf(canvas, grid, i, area) {
  const box = canvas.getBoundingClientRect(), [x, y] = placeOf(grid, i);
  const inside = MARGIN + grid.cell / 2;
  return [box.left - area.left + x + inside, box.top - area.top + y + inside];
}
