/* Charts of results and budgets, drawn as SVG; each has its figures beside it as text. */
const Chart = (() => {
  const NS = "http://www.w3.org/2000/svg";
  const MOST_BARS = 40;
  const draw = (tag, attributes, words) => {
    const found = document.createElementNS(NS, tag);
    Object.entries(attributes).forEach(([key, value]) => found.setAttribute(key, value));
    if (words !== undefined) found.textContent = words;
    return found;
  };
  const canvas = (width, height, label) => draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  const widthOf = (place) => Math.max(280, Math.min(720, place.clientWidth || 720));

  const number = (value) => {
    if (typeof value === "number") return value;
    return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : null;
  };
  const short = (x) => (x !== 0 && (Math.abs(x) >= 1e12 || Math.abs(x) < 1e-4) ? x.toExponential(2)
    : x.toLocaleString("en", { maximumSignificantDigits: Math.abs(x) >= 1e6 ? 12 : 6 }));
  /** Group the thousands of a number; its digits stay as they are. */
  const spelled = (value) => {
    const text = String(value);
    return /^-?\d+(\.\d+)?$/.test(text) ? text.replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ",")) : text;
  };
  /** A value as fine as its error, as the command line writes it. */
  const fine = (value, error) => {
    if (error === null || error === undefined || number(value) === null) return spelled(value);
    const digits = (String(error).split(".")[1] || "").length;
    if (Number.isInteger(number(value)) && !digits) return spelled(value);
    const near = number(value).toFixed(digits + 1);
    return spelled(typeof value === "number" ? Number(near) : near);
  };
  const said = (value, error, unit) => `${value === null ? "none" : fine(value, error)}${unit ? ` ${unit}` : ""}`
    + (error === null || error === undefined ? "" : ` ± ${spelled(error)}`);

  /** A value that no finite decimal holds, to four digits behind the point. */
  const rounded = (row) => (row.exact && number(row.value) !== null ? number(row.value).toFixed(4) : row.value);

  /** Steps of 1, 2 or 5 that divide a range into a few parts. */
  const ticks = (low, high) => {
    const span = high - low || Math.abs(high) || 1, raw = span / 4, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
    const found = [];
    for (let x = Math.ceil(low / step) * step; x <= high + step * 1e-9; x += step) found.push(Number(x.toPrecision(12)));
    return found;
  };

  /** Rows {label, value, error, exact} of a figure; cells of a table are "row / column". */
  const pairs = (value) => (Array.isArray(value) ? value.map((each, i) => [String(i + 1), each]) : Object.entries(value));
  const nested = (value) => value !== null && typeof value === "object";
  const within = (values, label, i) => (nested(values) ? (Array.isArray(values) ? values[i] : values[label]) ?? null : values ?? null);
  const flat = (label, value, error, exact) => (nested(value)
    ? pairs(value).flatMap(([key, each], i) => flat(label ? `${label} / ${key}` : key, each, within(error, key, i), within(exact, key, i)))
    : [{ label, value, error, exact: nested(exact) || exact === value ? null : exact }]);
  const series = ({ name, value, unit = "", error95 = null, exact = null, of = 0 }) => (
    { name, unit, of, single: !nested(value), rows: flat("", value, error95, exact) });

  const scaleOf = (rows, low, high) => {
    const ends = rows.filter((row) => row.value !== null).flatMap((row) => [number(row.value) - (number(row.error) || 0), number(row.value) + (number(row.error) || 0)]);
    const least = Math.min(0, ...ends), most = Math.max(0, ...ends);
    const span = most - least || 1;
    return (x) => low + ((x - least) / span) * (high - low);
  };
  const whisker = (svg, x1, x2, y, half) => svg.append(draw("path", {
    class: "whisker", d: `M${x1} ${y - half}V${y + half}M${x2} ${y - half}V${y + half}M${x1} ${y}H${x2}`,
  }));

  /** Bars from left to right, a row each, with error bars. */
  const bars = (place, one) => {
    const width = widthOf(place), line = 30, top = 4;
    const texts = one.rows.map((row) => said(rounded(row), row.error, ""));
    const labels = Math.min(width * 0.36, 14 + 7.4 * Math.max(...one.rows.map((r) => r.label.length)));
    const values = Math.min(width * 0.34, 18 + 7.4 * Math.max(...texts.map((text) => text.length)));
    const svg = canvas(width, top + line * one.rows.length + 4, `Bars of ${one.name}: ${one.rows.map((r, i) => `${r.label} ${texts[i]}`).join(", ")}`);
    const x = scaleOf(one.rows, labels, width - values), fits = Math.floor((labels - 10) / 7);
    one.rows.forEach((row, i) => {
      const y = top + line * i, value = number(row.value), error = number(row.error);
      const label = row.label.length > fits ? `${row.label.slice(0, fits - 1)}…` : row.label;
      svg.append(draw("text", { x: labels - 10, y: y + 19, "text-anchor": "end" }, label));
      if (value !== null) svg.append(draw("rect", { class: "bar", x: Math.min(x(0), x(value)), y: y + 4, width: Math.abs(x(value) - x(0)), height: line - 9, rx: 2 }));
      if (value !== null && error !== null) whisker(svg, x(value - error), x(value + error), y + line / 2, 6);
      svg.append(draw("text", { x: width - values + 10, y: y + 19 }, texts[i]));
    });
    svg.append(draw("path", { class: "axis", d: `M${x(0)} ${top}V${top + line * one.rows.length}` }));
    return svg;
  };

  /** Columns, for many values: a histogram over their places. */
  const columns = (place, one) => {
    const width = widthOf(place), height = 220, left = 62, foot = 26, all = one.rows.map((row) => number(row.value) ?? 0);
    const svg = canvas(width, height, `Columns of ${one.name}, ${all.length} values from ${short(Math.min(...all))} to ${short(Math.max(...all))}`);
    const errors = one.rows.map((row) => number(row.error) || 0);
    const low = Math.min(0, ...all.map((v, i) => v - errors[i])), high = Math.max(0, ...all.map((v, i) => v + errors[i])), y = (v) => 8 + ((high - v) / (high - low || 1)) * (height - foot - 8);
    const step = (width - left) / all.length;
    for (const tick of ticks(low, high)) {
      svg.append(draw("path", { class: "axis", d: `M${left} ${y(tick)}H${width}` }));
      svg.append(draw("text", { class: "soft", x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, short(tick)));
    }
    all.forEach((value, i) => svg.append(draw("rect", {
      class: "bar", x: left + i * step, y: Math.min(y(0), y(value)), width: Math.max(0.5, step * 0.86), height: Math.abs(y(value) - y(0)),
    })));
    if (step > 4) errors.forEach((e, i) => { const x = left + (i + 0.43) * step; if (e) svg.append(draw("path", { class: "whisker", d: `M${x} ${y(all[i] - e)}V${y(all[i] + e)}` })); });
    for (const [i, anchor] of [[0, "start"], [all.length - 1, "end"]]) {
      svg.append(draw("text", { class: "soft", x: left + (i ? width - left : 0), y: height - 6, "text-anchor": anchor }, one.rows[i].label));
    }
    return svg;
  };

  /** One figure on an axis, with its error bar. */
  const interval = (place, one) => {
    const [{ value, error }] = one.rows, v = number(value), e = number(error), width = widthOf(place), edge = 44;
    const low = v - 2.2 * e, high = v + 2.2 * e, x = (t) => edge + ((t - low) / (high - low)) * (width - 2 * edge);
    const svg = canvas(width, 72, `${one.name}: ${said(value, error, one.unit)}; 95 times in 100 the truth is within`);
    svg.append(draw("path", { class: "axis", d: `M${edge} 46H${width - edge}` }));
    for (const tick of ticks(low, high)) {
      svg.append(draw("path", { class: "axis", d: `M${x(tick)} 46v5` }));
      svg.append(draw("text", { class: "soft", x: x(tick), y: 66, "text-anchor": "middle" }, short(tick)));
    }
    whisker(svg, x(v - e), x(v + e), 26, 9);
    svg.append(draw("circle", { class: "dot", cx: x(v), cy: 26, r: 5.5 }));
    return svg;
  };

  const picture = (place, one) => {
    const there = one.rows.filter((row) => row.value !== null);
    if (!there.length || there.some((row) => number(row.value) === null)) return null;
    if (one.single) return number(one.rows[0].error) ? interval(place, one) : null;
    return one.rows.length > MOST_BARS ? columns(place, one) : bars(place, one);
  };

  /** Epsilon over time as steps, the budget as a dashed line, exact answers as dotted ones. */
  const budget = (place, one) => {
    const width = widthOf(place), height = 190, left = 54, foot = 30, top = 12;
    const limit = one.epsilon === undefined ? null : Number(one.epsilon);
    const at = (iso) => new Date(iso).getTime(), times = [...one.steps.map((s) => at(s.at)), ...one.exact.map(at)];
    const margin = Math.max(3600e3, (Math.max(...times) - Math.min(...times)) / 12);
    const start = Math.min(...times) - margin, end = Math.max(...times) + margin;
    const high = 1.08 * Math.max(limit || 0, ...one.steps.map((s) => s.epsilon)) || 1;
    const x = (t) => left + ((t - start) / (end - start)) * (width - left - 6), y = (v) => top + (1 - v / high) * (height - foot - top);
    const svg = canvas(width, height, `Epsilon over time: ${one.steps.length} steps up to ${short(Math.max(0, ...one.steps.map((s) => s.epsilon)))}`
      + (limit === null ? "" : `, of a budget of ${short(limit)}`));
    for (const tick of ticks(0, high)) {
      svg.append(draw("path", { class: "axis", d: `M${left} ${y(tick)}H${width - 6}` }));
      svg.append(draw("text", { class: "soft", x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, short(tick)));
    }
    const day = (t) => new Date(t).toLocaleString(undefined, { dateStyle: "medium", timeStyle: end - start < 3 * 864e5 ? "short" : undefined });
    svg.append(draw("text", { class: "soft", x: left, y: height - 8 }, day(Math.min(...times))));
    if (Math.max(...times) > Math.min(...times) && width > 480) svg.append(draw("text", { class: "soft", x: width - 6, y: height - 8, "text-anchor": "end" }, day(Math.max(...times))));
    if (limit !== null) svg.append(draw("path", { class: "limit", d: `M${left} ${y(limit)}H${width - 6}` }));
    one.exact.forEach((iso) => svg.append(draw("path", { class: "whisker", "stroke-dasharray": "2 4", d: `M${x(at(iso))} ${top}V${height - foot}` })));
    if (one.steps.length) {
      const d = one.steps.map((s) => `H${x(at(s.at))}V${y(s.epsilon)}`).join("");
      svg.append(draw("path", { class: "line", d: `M${left} ${y(0)}${d}H${width - 6}` }));
      one.steps.forEach((s) => svg.append(draw("circle", { class: "dot", cx: x(at(s.at)), cy: y(s.epsilon), r: 4 })));
    }
    return svg;
  };
  return { series, picture, said, rounded, budget };
})();
