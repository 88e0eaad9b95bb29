// The model's error over time, its estimate, its labels, and what detectors found.

const NO_NUMBER = Number.NaN;
const PERFORMANCE_STATUS = {
  ok: "judged", insufficient: "too few labels", no_labels: "no labels yet", no_baseline: "nothing to compare with", absent: "no predictions",
};
const HOW_ESTIMATED = ["estimate from raw scores", "estimate from calibrated scores", "estimate"];

const timeUnit = (x) => [[172800, 86400, "d"], [7200, 3600, "h"], [120, 60, "min"], [1, 1, "s"]].find(([from]) => x >= from)?.slice(1) || [0.001, "ms"];

// To a tenth of a percent: two error rates that are near must be told apart.
const rate = (x) => (x >= 0.001 && x <= 0.999 ? `${(100 * x).toFixed(1)}%` : pct(x));

function seconds(x) {
  if (!Number.isFinite(x)) return "–";
  const [size, unit] = timeUnit(x);
  return `${num(x / size)} ${unit}`;
}

function startPerformance(report) {
  const S = report.segments.length, W = report.starts.length;
  const percent = report.loss === "zero_one";
  const lossText = percent ? rate : num;
  const chosen = { s: report.start, w: 0, limit: PAGE };
  const own = (name) => {
    const column = report.column[name];
    return column ? column.subarray(chosen.s * W, (chosen.s + 1) * W) : new Float32Array(W).fill(NO_NUMBER);
  };
  const some = (name) => own(name).some(Number.isFinite);
  const status = (w) => report.statuses[report.column.status[chosen.s * W + w]];
  const normalOf = (name) => { const at = report.normal[name][chosen.s]; return at === null ? NO_NUMBER : at; };
  const changeOf = (w) => report.changes[chosen.s * W + w];
  const inSegment = () => report.detections.filter((each) => each.segment === report.segments[chosen.s]);

  function changeText(each) {
    const text = each.signal === "loss" ? lossText : num;
    const number = (x) => (x === null ? NO_NUMBER : x);
    return `${each.detector}: ${text(number(each.before))} → ${text(number(each.after))}, change ${momentText(each.at)}, known ${momentText(each.known)}`;
  }

  function charts() {
    const marks = inSegment().filter((each) => each.signal === "loss").map((each) => ({ ...each, until: each.known }));
    const seen = (w) => marks.filter((each) => each.at >= report.starts[w] && each.at < report.ends[w]).map(changeText);
    const waiting = Array.from({ length: W }, (_, w) => status(w) === "no_labels");
    const normal = (name) => [{ at: normalOf(name), kind: "normal", always: true }];
    const say = (lines) => (w) => [...lines(w), PERFORMANCE_STATUS[status(w)], ...seen(w)].join("\n");
    const changed = (w) => { const words = changeOf(w); return words ? [`changed: ${words}`] : []; };
    const found = [];
    const error = (name, title, format, exact, wide) => {
      const low = own(`${name}_low`), high = own(`${name}_high`), values = own(name);
      found.push({
        title, values, format, exact, wide, marks, waiting, bands: [{ low, high }], levels: normal(`${name}_reference`),
        label: `${title} over time, ${marks.length} ${marks.length === 1 ? "detection" : "detections"} marked`,
        tip: say((w) => [`${title}: ${exact(values[w])} (${exact(low[w])} to ${exact(high[w])})`, `last 1,000 outcomes: ${lossText(own("rolling_error")[w])}`, `${num(own("n")[w])} of ${num(own("n_predictions")[w])} predictions labelled`]),
      });
    };
    if (!percent) error("mean_loss", report.lossName, num, num, true);
    if (percent || some("error_rate")) error("error_rate", "Error rate", pct, rate, percent);
    if (some("estimated_accuracy")) {
      const estimate = own("estimated_accuracy"), realised = own("error_rate").map((x) => 1 - x);
      found.push({
        title: "Accuracy, realised and estimated", values: realised, format: pct, exact: rate, floor: null, waiting, others: [{ values: estimate, kind: "estimate" }],
        tip: say((w) => [`realised: ${rate(realised[w])}`, `${HOW_ESTIMATED[report.column.estimates[chosen.s * W + w]]}: ${rate(estimate[w])}`]),
      });
    }
    const share = own("labelled_share");
    found.push({ title: "Share labelled", values: share, format: pct, levels: [{ at: 1, kind: "top", always: true }], waiting, tip: say((w) => [`${pct(share[w])} labelled: ${num(own("n")[w])} of ${num(own("n_predictions")[w])}`]) });
    const p50 = own("label_delay_p50_s"), p95 = own("label_delay_p95_s");
    if (p95.some(Number.isFinite)) {
      const [size, unit] = timeUnit(p95.reduce((most, each) => (each > most ? each : most), 0));
      found.push({
        title: "Label delay, median and 95th percentile", values: p50.map((x) => x / size), others: [{ values: p95.map((x) => x / size), kind: "upper" }], format: (x) => (Number.isFinite(x) ? `${num(x)} ${unit}` : "–"), waiting,
        tip: say((w) => [`half of the labels that came: within ${seconds(p50[w])}`, `95% of them: within ${seconds(p95[w])}`]),
      });
    }
    const plain = (name, title, more = {}) => { if (some(name)) found.push({ title, values: own(name), waiting, tip: say((w) => [`${title}: ${num(own(name)[w])}`]), ...more }); };
    const shareOf = (name, title) => plain(name, title, { format: pct, exact: rate, levels: normal(`${name}_reference`), tip: say((w) => [`${title}: ${rate(own(name)[w])}`, ...changed(w)]) });
    shareOf("false_positive_rate", "False positives, of negatives");
    shareOf("false_negative_rate", "False negatives, of positives");
    plain("calibration_gap", "Mean score minus share of positives", { floor: null, levels: normal("calibration_gap_reference") });
    plain("calibration_error", "Calibration error", { levels: normal("calibration_error_reference") });
    if (some("auc") || some("estimated_auc")) {
      const auc = own("auc"), estimate = own("estimated_auc");
      found.push({
        title: "AUC, realised and estimated", values: auc, floor: null, waiting, others: [{ values: estimate, kind: "estimate" }], levels: normal("auc_reference"),
        tip: say((w) => [`AUC: ${num(auc[w])}`, `${HOW_ESTIMATED[report.column.estimates[chosen.s * W + w]]}: ${num(estimate[w])}`]),
      });
    }
    plain("bias", "Bias, predicted minus true", { floor: null, levels: normal("bias_reference") });
    plain("mean_absolute_error", "Mean absolute error");
    plain("root_mean_squared_error", "Root mean squared error");
    return found;
  }

  function drawCharts() {
    const shown = charts();
    const boxes = shown.map(({ wide }) => el("div", { class: wide ? "card wide" : "card" }));
    byId("performance-lines").replaceChildren(...boxes);
    shown.forEach((chart, i) => lineChart(boxes[i], { starts: report.starts, ends: report.ends, selected: chosen.w, pick: (w) => choose({ w }), ...chart }));
    byId("performance-segment").value = chosen.s;
    byId("performance-window").value = chosen.w;
    drawFacts();
  }

  function drawFacts() {
    const at = (name) => own(name)[chosen.w];
    const pairs = [
      ["Window", windowText(report.starts[chosen.w], report.ends[chosen.w])],
      ["Status", PERFORMANCE_STATUS[status(chosen.w)]],
      ["Labelled", `${num(at("n"))} of ${num(at("n_predictions"))}`],
      [report.lossName, percent ? rate(at("error_rate")) : num(at("mean_loss"))],
      ["Of the reference", lossText(normalOf(percent ? "error_rate_reference" : "mean_loss_reference"))],
      ["Last 1,000 outcomes", lossText(at("rolling_error"))],
      ["p", pValue(at("p_value"))],
      ...(report.column.components_p ? [["p of error kinds, calibration, bias", pValue(at("components_p"))], ["p of all together", pValue(at("performance_p"))]] : []),
      ...(changeOf(chosen.w) ? [["Changed", changeOf(chosen.w)]] : []),
      ["p if outcomes were independent", pValue(at("p_iid"))],
      ["Label delay", `${seconds(at("label_delay_p50_s"))}, p95 ${seconds(at("label_delay_p95_s"))}`],
    ];
    if (report.column.estimated_accuracy) pairs.splice(5, 0, ["Accuracy", rate(1 - at("error_rate"))], ["Accuracy, estimated", rate(at("estimated_accuracy"))]);
    byId("performance-facts").replaceChildren(el("dl", { class: "facts-line" }, ...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))));
  }

  function drawKey() {
    const line = (kind) => svg("svg", { viewBox: "0 0 26 12", "aria-hidden": "true" }, svg("line", { class: kind, x1: 0, x2: 26, y1: 6, y2: 6 }));
    const mark = svg("svg", { viewBox: "0 0 26 12", "aria-hidden": "true" }, svg("line", { class: "change", x1: 13, x2: 13, y1: 0, y2: 12 }), svg("path", { class: "change", d: "M9,0h8l-4,7z" }), svg("rect", { class: "until", x: 13, y: 0, width: 12, height: 3 }));
    const shade = svg("svg", { viewBox: "0 0 26 12", "aria-hidden": "true" }, svg("rect", { class: "waiting", width: 26, height: 12 }));
    const kinds = new Set(report.column.estimates.filter((each) => each < 2));
    const how = kinds.size === 2 ? "some windows calibrated, others raw scores" : kinds.has(1) ? "calibrated" : kinds.has(0) ? "raw scores" : "";
    byId("performance-key").replaceChildren(
      el("span", {}, line("series"), "realised, from labels"),
      ...(report.column.estimated_accuracy ? [el("span", {}, line("series estimate"), `estimate, without labels${how ? ` (${how})` : ""}`)] : []),
      el("span", {}, line("normal"), "reference"),
      el("span", {}, mark, "change, until it was known"),
      el("span", {}, shade, "no labels yet"),
    );
  }

  function drawDetections() {
    const signal = byId("detections-signal").value;
    const group = { "": () => true, model: (each) => each.signal === "loss" || each.signal === "learning_gap", inputs: (each) => each.signal !== "loss" && each.signal !== "learning_gap" }[signal];
    const matching = report.detections.filter(group);
    const heads = [["Segment", true], ["Signal", true], ["Detector", true], ["Change", true], ["Known", true], ["Before", false], ["After", false], ["Values it took", false]];
    const number = (x, text) => text(x === null ? NO_NUMBER : x);
    const body = matching.slice(0, chosen.limit).map((each) => {
      const s = report.segments.indexOf(each.segment);
      const name = segmentName(each.segment);
      const text = each.signal === "loss" ? lossText : num;
      const show = s < 0 || !W ? name : el("button", { type: "button", onclick: () => { choose({ s, w: Math.min(Math.max(positionOf(each.at + 1, report.starts) - 1, 0), W - 1) }); byId("performance").scrollIntoView({ block: "start" }); } }, name);
      const words = [each.signal, each.detector, momentText(each.at), momentText(each.known)].map((word) => el("td", { class: "text", title: word }, word));
      return el("tr", {}, el("td", { class: "text", title: name }, show), ...words, el("td", {}, number(each.before, text)), el("td", {}, number(each.after, text)), el("td", {}, number(each.width, num)));
    });
    const head = el("tr", {}, ...heads.map(([title, text]) => el("th", { scope: "col", class: text ? "text plain" : "plain" }, title)));
    byId("detections").replaceChildren(el("table", {}, el("thead", {}, head), el("tbody", {}, ...body)));
    if (matching.length > chosen.limit) byId("detections").append(el("button", { type: "button", class: "more", onclick: () => { chosen.limit += PAGE; drawDetections(); } }, `Show ${Math.min(PAGE, matching.length - chosen.limit)} more`));
    byId("detections-count").textContent = report.detections.length ? `${WHOLE.format(Math.min(chosen.limit, matching.length))} of ${WHOLE.format(matching.length)} detections shown` : report.detected ? "No detector reported a change." : "This run has no table of detections.";
  }

  // The newest window with labels, or else the newest.
  function newest() {
    const n = own("n");
    for (let w = W - 1; w >= 0; w--) if (n[w] > 0) return w;
    return W - 1;
  }

  function choose(change) {
    hideTip();
    Object.assign(chosen, change);
    drawCharts();
  }

  setOptions(byId("detections-signal"), [["", "any"], ["model", "loss and learning gap"], ["inputs", "features and statistics"]]);
  byId("detections-signal").addEventListener("change", () => { chosen.limit = PAGE; drawDetections(); });
  byId("detections").hidden = byId("detections-controls").hidden = !report.detections.length;
  if (S && W) {
    setOptions(byId("performance-segment"), report.segments.map((segment, s) => [s, segmentName(segment)]));
    setOptions(byId("performance-window"), report.starts.map((at, w) => [w, windowText(at, report.ends[w])]));
    byId("performance-segment").addEventListener("change", (event) => choose({ s: Number(event.target.value) }));
    byId("performance-window").addEventListener("change", (event) => choose({ w: Number(event.target.value) }));
    let width = window.innerWidth;
    window.addEventListener("resize", () => { if (window.innerWidth !== width) { width = window.innerWidth; drawCharts(); } });
    drawKey();
    choose({ w: newest() });
  }
  drawDetections();
}
