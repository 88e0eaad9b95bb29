// Trends: how rarely the run of newest windows of a feature comes by chance, and its alarms.

const NO_ALARM = 0, CROSSED = 2;
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

// Numbers of windows travel as log10: p-values that underflow do not.
function windowsText(logarithm) {
  if (!Number.isFinite(logarithm)) return "–";
  if (logarithm <= 6) return num(Number((10 ** logarithm).toPrecision(2)));
  return `10${[...String(Math.round(logarithm))].map((digit) => SUPERSCRIPTS[digit]).join("")}`;
}

function onceIn(logarithm) {
  if (!Number.isFinite(logarithm)) return "not followed";
  return 10 ** logarithm < 1.5 ? "in every window" : `once in ${windowsText(logarithm)} windows`;
}

// The end of a window of whole days is named by its last day.
const endText = (start, end) => (start % DAY === 0 && end % DAY === 0 ? dayText(end - 1, false) : momentText(end, false));

function preparedTrends(trends) {
  trends.W = trends.starts.length;
  return trends;
}

// pick is called with a window of the report.
function drawTrend(box, trends, report, { s, f, w }, pick) {
  const { W, starts, ends, sinces } = trends;
  const pair = s * report.F + f;
  const own = (name) => trends.column[name].subarray(pair * W, (pair + 1) * W);
  const values = own("p_value"), alarm = own("alarm"), runs = own("windows"), since = own("since");
  const marks = [];
  alarm.forEach((state, i) => {
    if (state === CROSSED) marks.push({ from: Math.min(sinces[since[i]], starts[i]), at: (starts[i] + ends[i]) / 2, until: (starts[i] + ends[i]) / 2, text: endText(starts[i], ends[i]) });
  });
  const picture = el("div");
  const said = trends.said[pair];
  const followed = values.some(Number.isFinite);
  const sentence = said || (!followed ? "Trends were not followed here." : alarm.some((state) => state !== NO_ALARM) ? "" : "The limit was not crossed.");
  box.replaceChildren(picture, el("p", { class: "quiet trend-said" }, sentence));
  if (!followed) {
    picture.append(el("p", { class: "chart-title" }, el("span", {}, "Trend")));
    return;
  }
  lineChart(picture, {
    title: "A trend like this comes by chance", label: `How rarely a trend comes by chance, over time, ${marks.length} ${marks.length === 1 ? "alarm" : "alarms"} marked`,
    starts, ends, values, marks, whole: true, format: windowsText, exact: onceIn, alarmed: alarm.map((state) => Number(state !== NO_ALARM)),
    levels: [{ at: trends.column.limit[pair], kind: "threshold", name: "limit", always: true }],
    selected: Math.min(Math.max(positionOf(report.starts[w] + 1, starts) - 1, 0), W - 1),
    pick: (i) => pick(Math.min(positionOf(starts[i], report.starts), report.W - 1)),
    tip: (i) => {
      if (!Number.isFinite(values[i])) return "not followed";
      const lines = [`${onceIn(values[i])} by chance`];
      if (runs[i] > 1) lines.push(`${num(runs[i])} windows since ${momentText(sinces[since[i]])}`);
      if (alarm[i] !== NO_ALARM) lines.push(alarm[i] === CROSSED ? "crossed the limit here" : "alarm");
      return lines.join("\n");
    },
  });
}
