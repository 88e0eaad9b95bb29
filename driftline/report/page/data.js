// Unpacks the numbers: base64, gzip, a JSON header, columns in byte planes.

const ARRAYS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };

const loadReport = async () => prepared(await unpacked("data"));

async function unpacked(id) {
  const text = byId(id).textContent.trim();
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(plain).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const report = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  report.column = {};
  for (const [name, section] of Object.entries(report.sections)) {
    report.column[name] = fromPlanes(new Uint8Array(buffer, 4 + length + section.at), section);
  }
  return report;
}

function fromPlanes(bytes, { length, type }) {
  const Type = ARRAYS[type];
  const width = Type.BYTES_PER_ELEMENT;
  const whole = new Uint8Array(length * width);
  for (let plane = 0; plane < width; plane++) {
    for (let i = 0; i < length; i++) whole[i * width + plane] = bytes[plane * length + i];
  }
  return new Type(whole.buffer);
}

function prepared(report) {
  const S = report.segments.length, F = report.features.length, W = report.starts.length;
  Object.assign(report, { S, F, W });
  report.at = (s, f, w) => (s * F + f) * W + w;
  report.reference = new Map(report.references.map((each) => [each.s * F + each.f, each]));
  report.bins = new Map();
  let from = 0;
  report.column.cells.forEach((cell, i) => {
    report.bins.set(cell, { from, width: report.column.widths[i], scale: report.column.scales[i] });
    from += report.column.widths[i];
  });
  for (const name of ["p05", "p25", "p50", "p75", "p95", "mean"]) {
    const offsets = report.column[name];
    report.column[name] = Float64Array.from(offsets, (offset, i) => offset + report.origins[Math.floor(i / W) % F]);
  }
  return report;
}

// Why there is no decision on a cell; null where there is one.
function whyNot(report, cell) {
  if (report.column.judged[cell]) return null;
  const status = report.statuses[report.column.status[cell]];
  return status === "ok" ? "few_windows" : status;
}

// Colour step of a cell: 0-2 not drifted, 3-5 drifted, otherwise why there is no decision.
function levelOf(report, cell) {
  const why = whyNot(report, cell);
  if (why) return why;
  const severity = report.column.severity[cell];
  if (report.column.drifted[cell]) return severity >= report.thresholds.extreme ? 5 : severity >= report.thresholds.strong ? 4 : 3;
  return severity >= 0.66 ? 2 : severity >= 0.33 ? 1 : 0;
}

const WHY_NOT_WORDS = {
  insufficient: "too few rows", partial: "partial window",
  no_baseline: "no baseline", no_data: "no data", absent: "no result", few_windows: "too few reference windows",
};

const segmentName = (segment) => (segment === "*" ? "all traffic" : segment);

function cellText(report, s, f, w) {
  const cell = report.at(s, f, w);
  const c = report.column;
  const why = whyNot(report, cell);
  const lines = [
    `${report.features[f]}, ${segmentName(report.segments[s])}`,
    windowText(report.starts[w], report.ends[w]),
    why ? `not judged: ${WHY_NOT_WORDS[why]}` : c.drifted[cell] ? "DRIFTED" : "not drifted",
  ];
  if (why === "absent" || why === "no_data") return lines.join("\n");
  lines.push(`${num(c.n[cell])} rows, ${pct(c.missing_rate[cell])} missing`);
  const sizes = [];
  if (Number.isFinite(c.psi[cell])) sizes.push(`PSI ${num(c.psi[cell])}`);
  if (Number.isFinite(c.wasserstein_iqr[cell])) sizes.push(`shift ${num(c.wasserstein_iqr[cell])} IQR`);
  if (Number.isFinite(c.rate_change[cell])) sizes.push(`a share by ${num(100 * c.rate_change[cell])} points`);
  if (sizes.length) lines.push(sizes.join(", "));
  if (changeWords(report, cell)) lines.push(changeWords(report, cell));
  if (Number.isFinite(c.p_adjusted[cell])) lines.push(`adjusted p ${pValue(c.p_adjusted[cell])}`);
  return lines.join("\n");
}
