// A heat map of rows by windows on one canvas, with labels that stay while the cells scroll.

const AXIS = 26;

// rows: [{label, title, pressed}]; level(r, w) gives a colour step, a share or a reason;
// text(r, w) the tooltip; pick(r, w) and name(r) are called on a click.
function heatMap(box, { rows, starts, ends, cell, level, text, pick, name }) {
  const W = starts.length;
  const height = rows.length > 24 ? 18 : 26;
  const labels = el("div", { class: "heat-labels" });
  rows.forEach((row, r) => {
    const button = el("button", { type: "button", title: row.label, "aria-pressed": String(Boolean(row.pressed)), onclick: () => name(r) }, row.label);
    button.style.height = button.style.lineHeight = `${height}px`;
    button.style.fontSize = height < 20 ? "12px" : "14px";
    labels.append(button);
  });
  const canvas = el("canvas", { tabindex: 0, role: "application", "aria-roledescription": "heat map", "aria-label": `${rows.length} rows by ${W} windows; arrow keys move, Enter shows the details` });
  const scroll = el("div", { class: "heat-scroll" }, canvas);
  box.replaceChildren(el("div", { class: "heat" }, labels, scroll));

  const room = scroll.clientWidth;
  const least = W > 1500 ? 2 : room < 500 ? 5 : 3;
  const width = Math.min(Math.max(room / W, least), 64);
  const total = { w: Math.ceil(width * W), h: height * rows.length + AXIS };
  const ratio = Math.min(window.devicePixelRatio || 1, 2, 16000 / total.w, 16000 / total.h);
  canvas.width = total.w * ratio;
  canvas.height = total.h * ratio;
  canvas.style.width = `${total.w}px`;
  canvas.style.height = `${total.h}px`;
  const pen = canvas.getContext("2d");
  let cursor = null;
  const edge = (w) => Math.round(w * width * ratio) / ratio; // on whole pixels, or seams show

  function draw() {
    const ink = brushes(pen);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, total.w, total.h);
    for (let r = 0; r < rows.length; r++) {
      for (let w = 0; w < W; w++) drawCell(pen, ink, level(r, w), edge(w), r * height, edge(w + 1) - edge(w), height);
    }
    drawTimes(pen, total, starts, ends, width);
    const marked = cursor || cell;
    if (marked) {
      pen.strokeStyle = colour("ink");
      pen.lineWidth = 2;
      pen.strokeRect(marked.w * width - 1, marked.r * height, Math.max(width, 3) + 2, height);
    }
  }

  const place = (event) => {
    const frame = canvas.getBoundingClientRect();
    const w = Math.floor((event.clientX - frame.left) / width), r = Math.floor((event.clientY - frame.top) / height);
    return r >= 0 && r < rows.length && w >= 0 && w < W ? { r, w } : null;
  };
  canvas.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (at) showTip(text(at.r, at.w), event.clientX, event.clientY);
    else hideTip();
  });
  canvas.addEventListener("pointerleave", hideTip);
  canvas.addEventListener("click", (event) => {
    const at = place(event);
    if (at) pick(at.r, at.w);
  });
  canvas.addEventListener("blur", () => { cursor = null; hideTip(); draw(); });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -W], End: [0, W], PageUp: [0, -7], PageDown: [0, 7] };
    const at = cursor || cell || { r: 0, w: W - 1 };
    if (event.key === "Enter" || event.key === " ") pick(at.r, at.w);
    else if (event.key === "Escape") { cursor = null; hideTip(); draw(); return; }
    else if (moves[event.key]) {
      const [down, right] = moves[event.key];
      cursor = { r: Math.min(Math.max(at.r + down, 0), rows.length - 1), w: Math.min(Math.max(at.w + right, 0), W - 1) };
      const x = cursor.w * width;
      if (x < scroll.scrollLeft || x > scroll.scrollLeft + scroll.clientWidth - width) scroll.scrollLeft = x - scroll.clientWidth / 2;
      draw();
      const frame = canvas.getBoundingClientRect();
      showTip(text(cursor.r, cursor.w), frame.left + x, frame.top + (cursor.r + 1) * height - 8);
    } else return;
    event.preventDefault();
  });
  draw();
  if (cell) scroll.scrollLeft = cell.w * width - scroll.clientWidth / 2;
  return { scroll };
}

function brushes(pen) {
  const ink = { hatch: colour("hatch"), line: colour("line"), paper: colour("card"), steps: [] };
  for (let step = 0; step < 6; step++) ink.steps.push(colour(`l${step}`));
  const tile = el("canvas", { width: 6, height: 6 });
  const brush = tile.getContext("2d");
  brush.strokeStyle = ink.hatch;
  brush.lineWidth = 1.2;
  for (const shift of [-6, 0, 6]) {
    brush.beginPath();
    brush.moveTo(shift, 6);
    brush.lineTo(shift + 6, 0);
    brush.stroke();
  }
  ink.stripes = pen.createPattern(tile, "repeat");
  return ink;
}

// Drifted cells fill their row, others are a band in its middle: the mark does not rest on colour alone.
function drawCell(pen, ink, step, x, y, width, height) {
  const wide = width > 8 ? width - 1 : width;
  if (typeof step === "number") {
    const inset = step >= 3 ? 1 : Math.round(height * 0.22);
    pen.fillStyle = ink.steps[step];
    pen.fillRect(x, y + inset, wide, height - 2 * inset);
  } else if (step === "insufficient" || step === "partial" || step === "few_windows") {
    const inset = Math.round(height * 0.22);
    pen.fillStyle = ink.stripes;
    pen.fillRect(x, y + inset, wide, height - 2 * inset);
  } else {
    pen.fillStyle = ink.line;
    pen.fillRect(x, y + height / 2 - 0.5, wide, 1);
  }
}

function drawTimes(pen, total, starts, ends, width) {
  const from = starts[0], to = ends[ends.length - 1];
  const base = total.h - AXIS;
  pen.fillStyle = colour("soft");
  pen.strokeStyle = colour("line");
  pen.lineWidth = 1;
  pen.font = "12px system-ui, sans-serif";
  let free = -1;
  for (const tick of timeTicks(from, to, Math.max(total.w / 80, 1))) {
    const x = positionOf(tick.at, starts) * width;
    pen.beginPath();
    pen.moveTo(x + 0.5, base + 2);
    pen.lineTo(x + 0.5, base + 8);
    pen.stroke();
    const wide = pen.measureText(tick.text).width;
    const left = Math.min(Math.max(x - wide / 2, 0), total.w - wide);
    if (left > free) {
      pen.fillText(tick.text, left, base + 21);
      free = left + wide + 10;
    }
  }
}

// Windows stand side by side even where some are missing, so a time has a place between two of them.
function positionOf(at, starts) {
  let low = 0, high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] < at) low = middle + 1; else high = middle;
  }
  return low;
}

function heatLegend(box, shares) {
  const sample = (step) => {
    const canvas = el("canvas", { width: 36, height: 36, "aria-hidden": "true" });
    canvas.style.width = canvas.style.height = "18px";
    const pen = canvas.getContext("2d");
    pen.scale(2, 2);
    drawCell(pen, brushes(pen), step, 0, 0, 18, 18);
    return canvas;
  };
  const entries = shares
    ? [[0, "no feature drifted"], [2, "up to 10%"], [3, "up to 30%"], [4, "up to 60%"], [5, "more"]]
    : [[0, "as in the reference"], [2, "near a threshold"], [3, "drifted"], [4, "strongly"], [5, "extremely"]];
  entries.push(["partial", "not judged: too few rows or reference windows, or partial"], ["no_data", "no data"]);
  box.replaceChildren(...entries.map(([step, label]) => el("span", {}, sample(step), label)));
}
