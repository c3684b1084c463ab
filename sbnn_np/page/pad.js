"use strict";
// The pad that is drawn on with the mouse, a finger or the keys, and the test images below it. They
// change what page.js keeps in `state`.

function drawPad() {
  const size = isNarrow() ? 300 : 226, canvas = element("pad"), pen = penOf(canvas, size, size, 0);
  if (state.example !== null) {
    const small = document.createElement("canvas");
    drawSmall(small, inkOf(state.pixels), SIDE, 255);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, size, size);
  } else {
    const small = document.createElement("canvas");
    drawSmall(small, state.ink, PAD, 1);
    pen.drawImage(small, 0, 0, size, size);
  }
  if (state.pen && state.pen.keys && document.activeElement === canvas) {
    // a cross where the keys have led the pen
    const u = state.pen.x * size / PAD, v = state.pen.y * size / PAD;
    pen.strokeStyle = colour("mark");
    pen.lineWidth = state.pen.down ? 3 : 1.5;
    pen.beginPath();
    pen.moveTo(u - 8, v);
    pen.lineTo(u + 8, v);
    pen.moveTo(u, v - 8);
    pen.lineTo(u, v + 8);
    pen.stroke();
  }
  [...element("examples").children].forEach((button, i) => {
    button.setAttribute("aria-pressed", i === state.example);
    drawSmall(button.firstChild, inkOf(EXAMPLES[i].pixels), SIDE, 255);
  });
}

// How much ink pixels have, whatever the ground of the pictures is.
function inkOf(pixels) {
  return LIGHT ? pixels.map(pixel => 255 - pixel) : pixels;
}

function clearPad() {
  state.ink.fill(0);
  state.example = null;
  if (state.pen) state.pen.down = false;
  update();
}

// Draw on, from where the pen is to (x, y) in points of the pad.
function drawTo(x, y) {
  if (state.example !== null) {                         // a drawing takes the test image's place
    state.ink.fill(0);
    state.example = null;
  }
  const from = state.pen && state.pen.down ? state.pen : {x, y};
  drawLine(state.ink, from.x, from.y, x, y);
  state.pen = {x, y, down: true, keys: false};
}

function padPoint(event) {
  const box = element("pad").getBoundingClientRect();
  return [
    (event.clientX - box.left) * PAD / box.width, (event.clientY - box.top) * PAD / box.height,
  ];
}

function startPad() {
  const pad = element("pad");
  let waiting = false;                                  // update once for each frame
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      update();
    });
  };
  pad.addEventListener("pointerdown", event => {
    if (event.button) return;
    if (event.isTrusted) pad.setPointerCapture(event.pointerId);
    if (state.pen) state.pen.down = false;
    drawTo(...padPoint(event));
    soon();
  });
  pad.addEventListener("pointermove", event => {
    if (!state.pen || !state.pen.down || state.pen.keys || !event.buttons) return;
    const moves = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const move of moves.length ? moves : [event]) drawTo(...padPoint(move));
    soon();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    pad.addEventListener(name, () => { if (state.pen) state.pen.down = false; });
  }
  pad.addEventListener("keydown", padKey);
  for (const name of ["focus", "blur"]) pad.addEventListener(name, drawPad);
  element("clear").addEventListener("click", clearPad);
}

const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

function padKey(event) {
  const pen = state.pen || {x: PAD / 2, y: PAD / 2, down: false}, arrow = ARROWS[event.key];
  if (arrow) {
    const [x, y] = arrow.map((way, i) => [pen.x, pen.y][i] + 10 * way)
      .map(place => Math.max(0, Math.min(PAD - 1, place)));
    if (pen.down) drawTo(x, y);
    state.pen = {x, y, down: pen.down, keys: true};
  } else if (event.key === " ") {
    if (!pen.down) drawTo(pen.x, pen.y);
    state.pen = {...pen, down: !pen.down, keys: true};
  } else if (event.key === "Delete" || event.key === "Backspace") {
    clearPad();
    return event.preventDefault();
  } else {
    return;
  }
  event.preventDefault();
  update();
}

function startExamples() {
  if (EXAMPLES.length) element("or").textContent = "or take a test image:";
  const misread = EXAMPLES.filter(({wrong}) => wrong);
  element("misread").textContent = misread.map(({wrong}) => `\u2717 ${wrong}`).join(", ");
  EXAMPLES.forEach(({name, wrong}, i) => {
    const button = add(element("examples"), "button", "", wrong ? "wrong" : "");
    button.setAttribute("aria-label", `Test image ${wrong || name}`);
    button.title = wrong || name;
    add(button, "canvas");
    button.addEventListener("click", () => {
      state.example = i;
      state.pen = null;
      update();
    });
  });
}
